//! An allocator that can be told to hang, and patterns in memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

struct Allocator;

static HANG_ALLOCATING: AtomicBool = AtomicBool::new(false);
static HANG_FREEING: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

fn hang_if(told: &AtomicBool) {
    while told.load(Ordering::Relaxed) {
        black_box(());
    }
}

unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hang_if(&HANG_ALLOCATING);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        hang_if(&HANG_FREEING);
        unsafe { System.dealloc(at, layout) }
    }
}

pub fn hang_when_allocating() {
    HANG_ALLOCATING.store(true, Ordering::Relaxed);
}

pub fn hang_when_freeing() {
    HANG_FREEING.store(true, Ordering::Relaxed);
}

/// Bytes that are painted.
const PAINTED: usize = 32 << 20;

/// Any odd number: then no two places have the same pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The pattern at a place; it is nowhere in the component itself.
fn pattern(place: usize) -> u64 {
    (place as u64 + 1).wrapping_mul(black_box(FACTOR))
}

/// Fills memory with the pattern and leaves it there; answers how much of it [`search`] finds.
pub fn paint() -> usize {
    let words: Vec<u64> = (0..PAINTED / 8).map(pattern).collect();
    black_box(&words);
    drop(words);
    search()
}

/// Words in all of memory, grown as far as it goes, that were painted.
pub fn search() -> usize {
    while core::arch::wasm32::memory_grow(0, 1) != usize::MAX {}
    let inverse = inverse(black_box(FACTOR));
    let end = core::arch::wasm32::memory_size(0) * 65536;
    (8..end).step_by(8).filter(|&at| is_painted(unsafe { (at as *const u64).read_volatile() }, inverse)).count()
}

/// Whether this is the pattern at some place: one of few million of all 64-bit words.
fn is_painted(word: u64, inverse: u64) -> bool {
    word.wrapping_mul(inverse).wrapping_sub(1) < (PAINTED / 8) as u64
}

/// The inverse of an odd number modulo 2^64, by Newton's method.
fn inverse(of: u64) -> u64 {
    (0..6).fold(of, |guess, _| guess.wrapping_mul(2_u64.wrapping_sub(of.wrapping_mul(guess))))
}
