//! Misbehaves in the way its configuration names; see `open` and `transform`. Behaves well on batches whose first record
//! has a field `calm`.

mod memory;

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.1", world: "transformer" });

use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use exports::headworks::plugin::transforming::{Guest as Transforming, GuestInstance, Instance, OpenError};
use headworks::plugin::batches::{Batch, Flat, Value};
use headworks::plugin::log::{self, Level};
use std::cell::RefCell;
use std::hint::black_box;
use std::time::SystemTime;

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-hostile".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Misbehaves".to_owned(),
            config_schema: r#"{"type":"string"}"#.to_owned(),
            grants: Vec::new(),
        }
    }
}

impl Transforming for Component {
    type Instance = Work;
}

struct Work {
    kind: String,
    kept: RefCell<Option<Batch>>,
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.kind == "loop-when-dropped" {
            spin();
        }
    }
}

fn spin() -> ! {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn recurse(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1) + room[(depth % 64) as usize] }
}

/// Without anything in linear memory, so that the stack of the host is what it uses up.
#[inline(never)]
fn recurse_bare(depth: u64) -> u64 {
    if depth == u64::MAX { 0 } else { (recurse_bare(depth + 1) ^ depth).wrapping_mul(3) }
}

fn grow() -> ! {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(black_box(vec![1; 1 << 20]));
    }
}

/// Memory through the instruction itself: the allocator is not asked, and refusal is not an abort.
fn grow_to_the_end() -> usize {
    while core::arch::wasm32::memory_grow(0, 1) != usize::MAX {}
    core::arch::wasm32::memory_size(0)
}

fn one_text(value: &str) -> Flat {
    Flat {
        names: vec!["x".to_owned()],
        rows: vec![1],
        fields: vec![0],
        kinds: vec![4],
        ends: vec![value.len() as u32],
        pool: value.as_bytes().to_vec(),
        origins: vec![0],
    }
}

impl GuestInstance for Work {
    fn open(config: String) -> Result<Instance, OpenError> {
        match config.as_str() {
            "loop-in-open" => spin(),
            "trap-in-open" => core::arch::wasm32::unreachable(),
            "grow-in-open" => grow(),
            _ => Ok(Instance::new(Self { kind: config, kept: RefCell::new(None) })),
        }
    }

    fn transform(&self, records: Batch) -> Result<Batch, String> {
        if records.len() > 0 && records.get(0, "calm").is_some() {
            return Ok(records);
        }
        let name = "x";
        match self.kind.as_str() {
            "loop" => spin(),
            "trap" => core::arch::wasm32::unreachable(),
            "panic" => panic!("on purpose"),
            "grow" => grow(),
            "grow-to-the-end" => records.fill("pages", &Value::Integer(grow_to_the_end() as i64)),
            "recurse" => drop(black_box(recurse(0))),
            "recurse-bare" => drop(black_box(recurse_bare(black_box(0)))),
            "error" => return Err("the plugin gave up".to_owned()),
            "keep" => {
                *self.kept.borrow_mut() = Some(records);
                return Err("kept".to_owned());
            }
            "replay" => {
                let old = self.kept.borrow_mut().take();
                match old {
                    Some(old) => drop(black_box(old.len())),
                    None => {
                        *self.kept.borrow_mut() = Some(records);
                        return Err("kept".to_owned());
                    }
                }
            }
            "leak" => {
                std::mem::forget(records);
                return Err("leaked".to_owned());
            }
            "host-call-flood" => {
                records.fill(name, &Value::Text("x".repeat(1 << 16)));
                loop {
                    black_box(records.take());
                }
            }
            "cheap-call-flood" => loop {
                black_box(records.len());
            },
            // The host asks the guest's allocator for room for the names.
            "loop-in-allocator" => {
                memory::hang_when_allocating();
                black_box(records.names());
            }
            // The host has the message freed after it read it.
            "loop-in-post-return" => {
                let message = "freed by the host".to_owned();
                drop(records);
                memory::hang_when_freeing();
                return Err(message);
            }
            "loop-in-destructor" => {
                drop(Instance::new(Self { kind: "loop-when-dropped".to_owned(), kept: RefCell::new(None) }))
            }
            "paint" => records.fill("painted", &Value::Integer(memory::paint() as i64)),
            "search" => records.fill("found", &Value::Integer(memory::search() as i64)),
            "clock-flood" => loop {
                black_box((SystemTime::now(), std::time::Instant::now()));
            },
            "log-flood" => {
                for index in 0..100_000 {
                    log::write(Level::Error, &format!("line {index} \u{1b}[2J {}", "x".repeat(20)));
                }
            }
            "print-flood" => {
                for index in 0..100_000 {
                    println!("line {index}");
                }
            }
            "random-flood" => {
                let mut sum = 0_u64;
                for _ in 0..100_000 {
                    unsafe {
                        let mut bytes = [0_u8; 64];
                        random_get(bytes.as_mut_ptr(), bytes.len());
                        sum ^= u64::from(bytes[0]);
                    }
                }
                black_box(sum);
            }
            "amplify" => records.select(&vec![0; 200_000]),
            "amplify-bytes" => {
                let text = "x".repeat(1 << 20);
                let indexes = vec![0; 64];
                records.fill(name, &Value::Text(text));
                records.select(&indexes);
            }
            "false-origin" => records.put(&Flat { origins: vec![7], ..one_text("a") }),
            "bad-rows" => records.put(&Flat { rows: vec![9], ..one_text("a") }),
            "rows-backwards" => records.put(&Flat { rows: vec![1, 0], origins: vec![0, 0], ..one_text("a") }),
            "bad-field" => records.put(&Flat { fields: vec![4_000_000_000], ..one_text("a") }),
            "bad-kind" => records.put(&Flat { kinds: vec![99], ..one_text("a") }),
            "bad-end" => records.put(&Flat { ends: vec![u32::MAX], ..one_text("a") }),
            "bad-utf8" => records.put(&Flat { pool: vec![0xff], ..one_text("a") }),
            "lists-differ" => records.put(&Flat { kinds: vec![4, 4], ..one_text("a") }),
            "twice" => {
                records.put(&Flat { rows: vec![2], fields: vec![0, 0], kinds: vec![4, 4], ends: vec![1, 1], ..one_text("a") })
            }
            "fields-twice" => {
                let two = Flat { rows: vec![1, 1], origins: vec![0, 0], ..one_text("a") };
                records.put_fields(&[name.to_owned()], &two);
            }
            "fields-outside" => records.put_fields(&[name.to_owned()], &Flat { origins: vec![7], ..one_text("a") }),
            "huge-list" => unsafe { set_text_column_raw(handle(&records), name.as_ptr(), name.len(), 8, 0x7fff_ffff) },
            "past-the-end" => unsafe { set_text_column_raw(handle(&records), name.as_ptr(), name.len(), 0xffff_0000, 1000) },
            "overlapping" => {
                // Every element is the same long text: few bytes here, very many in the host.
                let text = "x".repeat(1 << 20);
                let element = [1_u32, text.as_ptr() as u32, text.len() as u32];
                let list = vec![element; 10_000];
                unsafe { set_text_column_raw(handle(&records), name.as_ptr(), name.len(), list.as_ptr() as usize, list.len()) }
            }
            "bad-handle" => unsafe { set_text_column_raw(4_000_000, name.as_ptr(), name.len(), 8, 0) },
            "huge-text" => unsafe { rename_raw(handle(&records), name.as_ptr(), 0x7fff_ffff, name.as_ptr(), 1) },
            "text-past-the-end" => unsafe { rename_raw(handle(&records), name.as_ptr(), 1, 0xffff_ff00 as *const u8, 1000) },
            "bad-utf8-name" => unsafe { rename_raw(handle(&records), [0xff_u8, 0xfe].as_ptr(), 2, name.as_ptr(), 1) },
            "wrong-tag" => unsafe { fill_raw(handle(&records), name.as_ptr(), name.len(), 99, 0, 0) },
            "wrong-length" => records.set_text_column(name, &[]),
            "index-outside" => records.select(&[0, 77]),
            "get-outside" => drop(records.get(77, name)),
            other => return Err(format!("no such misbehaviour: {other}")),
        }
        Ok(records)
    }
}

fn handle(records: &Batch) -> u32 {
    records.handle()
}

#[link(wasm_import_module = "headworks:plugin/batches@0.1.1")]
unsafe extern "C" {
    #[link_name = "[method]batch.set-text-column"]
    fn set_text_column_raw(batch: u32, name: *const u8, name_len: usize, list: usize, list_len: usize);
    #[link_name = "[method]batch.rename"]
    fn rename_raw(batch: u32, name: *const u8, name_len: usize, to: *const u8, to_len: usize);
    #[link_name = "[method]batch.fill"]
    fn fill_raw(batch: u32, name: *const u8, name_len: usize, tag: u32, value: u64, len: usize);
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn random_get(at: *mut u8, len: usize) -> u16;
}

export!(Component);
