//! Memory for small values, by size: VRL makes and drops very many of them.
//!
//! A freed piece goes to the list of its size and is the next one given out. Pieces are cut from chunks of the system's
//! allocator and never given back to it, which also serves what is large. On parse_key_value a third of all time went
//! to the system's allocator; this takes most of that away.

#![allow(unsafe_code, reason = "an allocator cannot be written without; this is the plugin's only unsafe code of its own")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::{copy_nonoverlapping, null_mut};

/// Sizes differ by so many bytes, which is also the greatest alignment of small pieces.
const STEP: usize = 16;
/// What is larger goes to the system.
const LARGEST: usize = 1024;
const SIZES: usize = LARGEST / STEP;
const CHUNK: usize = 32 * 1024;

struct State {
    /// By size, the first free piece; each holds the address of the next.
    free: [*mut u8; SIZES],
    /// What is left of the latest chunk.
    next: *mut u8,
    left: usize,
}

struct BySize(UnsafeCell<State>);

// SAFETY: a component has one thread.
unsafe impl Sync for BySize {}

#[global_allocator]
static MEMORY: BySize = BySize(UnsafeCell::new(State { free: [null_mut(); SIZES], next: null_mut(), left: 0 }));

/// The list that serves a layout, if one does.
#[inline(always)]
fn list(layout: &Layout) -> Option<usize> {
    let list = layout.size().wrapping_sub(1) / STEP;
    (list < SIZES && layout.align() <= STEP).then_some(list)
}

impl BySize {
    /// A piece cut from a chunk; null when there is no memory.
    #[cold]
    #[inline(never)]
    unsafe fn cut(&self, list: usize) -> *mut u8 {
        // SAFETY: one thread, and no other reference is alive while an allocator's function runs.
        let state = unsafe { &mut *self.0.get() };
        let size = (list + 1) * STEP;
        if state.left < size {
            // SAFETY: the layout is that of a chunk: not empty, aligned to a power of two.
            let chunk = unsafe { System.alloc(Layout::from_size_align_unchecked(CHUNK, STEP)) };
            if chunk.is_null() {
                return chunk;
            }
            (state.next, state.left) = (chunk, CHUNK);
        }
        let piece = state.next;
        state.left -= size;
        // SAFETY: at least `size` bytes are left behind `next`.
        state.next = unsafe { piece.add(size) };
        piece
    }
}

// SAFETY: every piece of a list has that list's size, is aligned to STEP, and is in one place only: with its owner, in its
// list, or still in the chunk.
unsafe impl GlobalAlloc for BySize {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises; a free piece holds the address of the next one.
        unsafe {
            let Some(list) = list(&layout) else { return System.alloc(layout) };
            let head = (&raw mut (*self.0.get()).free).cast::<*mut u8>().add(list);
            let piece = *head;
            if piece.is_null() {
                return self.cut(list);
            }
            *head = *piece.cast::<*mut u8>();
            piece
        }
    }

    #[inline]
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises; the piece is large enough for an address.
        unsafe {
            let Some(list) = list(&layout) else { return System.dealloc(piece, layout) };
            let head = (&raw mut (*self.0.get()).free).cast::<*mut u8>().add(list);
            *piece.cast::<*mut u8>() = *head;
            *head = piece;
        }
    }

    #[inline]
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises; the layouts differ in size only.
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            match (list(&layout), list(&new)) {
                (None, None) => System.realloc(piece, layout, size),
                (from, to) if from == to => piece,
                _ => {
                    let moved = self.alloc(new);
                    if !moved.is_null() {
                        copy_nonoverlapping(piece, moved, layout.size().min(size));
                        self.dealloc(piece, layout);
                    }
                    moved
                }
            }
        }
    }
}
