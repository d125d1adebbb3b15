;; Answers `wasi_snapshot_preview1` for a component of Headworks: clocks and entropy are the host's, what is printed goes to
;; the host's log, and there is no environment, no argument and no file. adapter.rs puts the functions that are refused as a
;; whole at the end.
;;
;; While a language's memory management runs inside `cabi_realloc`, the component may call nobody. Go's reads the clock there
;; and says so before: time then stands still at what was read last.
;;
;; Error numbers: 8 bad descriptor, 28 invalid argument, 52 not supported.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall_now (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic_now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "resolution" (func $monotonic_resolution (result i64)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "headworks:plugin/log@0.1.0" "output" (func $output (param i32 i32)))

  (global $paused (mut i32) (i32.const 0))
  (global $monotonic_seen (mut i64) (i64.const 0))
  (global $wall_seen (mut i64) (i64.const 0))
  (func (export "adapter_monotonic_clock_set_paused") (param $paused i32)
    (global.set $paused (local.get $paused)))

  (func (export "clock_res_get") (param $clock i32) (param $answer i32) (result i32)
    (if (i32.gt_u (local.get $clock) (i32.const 1)) (then (return (i32.const 28))))
    (i64.store (local.get $answer) (call $monotonic_resolution))
    (i32.const 0))

  ;; The wall clock answers 16 bytes where the caller has room for 8: the 8 bytes behind are put back.
  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $answer i32) (result i32)
    (local $behind i64)
    (if (i32.eq (local.get $clock) (i32.const 1))
      (then
        (if (i32.eqz (global.get $paused)) (then (global.set $monotonic_seen (call $monotonic_now))))
        (i64.store (local.get $answer) (global.get $monotonic_seen))
        (return (i32.const 0))))
    (if (local.get $clock) (then (return (i32.const 28))))
    (if (i32.eqz (global.get $paused))
      (then
        (local.set $behind (i64.load offset=8 (local.get $answer)))
        (call $wall_now (local.get $answer))
        (global.set $wall_seen
          (i64.add
            (i64.mul (i64.load (local.get $answer)) (i64.const 1000000000))
            (i64.load32_u offset=8 (local.get $answer))))
        (i64.store offset=8 (local.get $answer) (local.get $behind))))
    (i64.store (local.get $answer) (global.get $wall_seen))
    (i32.const 0))

  (func (export "random_get") (param $at i32) (param $len i32) (result i32)
    (local $word i64)
    (block $done
      (loop $words
        (br_if $done (i32.lt_u (local.get $len) (i32.const 8)))
        (i64.store align=1 (local.get $at) (call $random))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $len (i32.sub (local.get $len) (i32.const 8)))
        (br $words)))
    (if (i32.eqz (local.get $len)) (then (return (i32.const 0))))
    (local.set $word (call $random))
    (loop $bytes
      (i64.store8 (local.get $at) (local.get $word))
      (local.set $word (i64.shr_u (local.get $word) (i64.const 8)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br_if $bytes (local.get $len)))
    (i32.const 0))

  (func (export "fd_write") (param $fd i32) (param $parts i32) (param $count i32) (param $answer i32) (result i32)
    (local $written i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1)) (then (return (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (call $output (i32.load (local.get $parts)) (i32.load offset=4 (local.get $parts)))
        (local.set $written (i32.add (local.get $written) (i32.load offset=4 (local.get $parts))))
        (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $answer) (local.get $written))
    (i32.const 0))

  (func (export "environ_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "args_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "proc_exit") (param i32) unreachable)
  {{refused}})
