//! What the victims do.

mod allocator;

use std::hint::black_box;
use std::ptr;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crash::{Command, Setup, protect_thread, publish_info, running};

use crate::harness;

const PAGE: usize = 64 << 10;

/// Dies, or doesn't, in the way that `name` says.
pub(crate) fn die(name: &str) {
    leave_no_core_file();
    crash::install(setup()).expect("installed");
    match name.split_once(' ').unwrap_or((name, "")) {
        ("nothing", _) => running(command(1, &[b"GET"]), || publish_info("unused".to_owned())),
        ("fault", _) => read_what_may_not_be_read(),
        ("raise", signal) => raise(signal.parse().expect("a signal's number")),
        ("overflow_on_main", _) => running(command(1, &[b"EVAL"]), || {
            recurse(1);
        }),
        ("overflow_on_thread", _) => on_a_thread(|| {
            protect_thread().expect("protected");
            recurse(1);
        }),
        ("fault_on_thread", _) => on_a_thread(|| {
            publish_info("used_memory:5".to_owned());
            running(command(1, &[b"DEL"]), read_what_may_not_be_read);
        }),
        ("abort", _) => std::process::abort(),
        ("panic_on_main", _) => panic!("the answer is {}", black_box(42)),
        ("panic_on_thread", _) => on_a_thread(|| {
            running(command(1, &[b"BGSAVE"]), || panic!("in the background"));
        }),
        ("wait", _) => wait_to_be_killed(),
        ("arguments", _) => many_arguments(),
        ("secret", _) => {
            let args: &[&[u8]] = &[b"AUTH", b"alice", b"hunter2"];
            let secret = Command { client: 5, args, secret: true };
            running(secret, || raise(libc::SIGSEGV));
        }
        ("nested", _) => running(command(2, &[b"EVAL"]), || {
            running(command(2, &[b"SISMEMBER"]), || ());
            running(command(2, &[b"GET"]), || raise(libc::SIGABRT));
        }),
        ("finished", _) => running(command(2, &[b"EVAL"]), || {
            running(command(2, &[b"GET"]), || ());
            raise(libc::SIGABRT);
        }),
        ("other_thread", _) => running(command(2, &[b"GET"]), || {
            on_a_thread(|| raise(libc::SIGABRT));
        }),
        ("info", _) => {
            publish_info("# Memory\r\nused_memory:1\r\n".to_owned());
            publish_info("# Memory\r\nused_memory:2\r\n# Stats\r\n".to_owned());
            raise(libc::SIGABRT);
        }
        ("lost_arguments", _) => lose_arguments(),
        ("blocked_allocator", _) => running(command(2, &[b"GET"]), || {
            publish_info("used_memory:4\r\n".to_owned());
            allocator::block();
            raise(libc::SIGSEGV);
        }),
        ("two_threads", _) => die_twice(),
        ("chdir", _) => {
            std::env::set_current_dir("/").expect("a directory");
            raise(libc::SIGABRT);
        }
        ("second_install", _) => {
            let error = crash::install(setup()).expect_err("refused");
            println!("{:?}", error.kind());
        }
        (other, _) => panic!("no victim is called {other:?}"),
    }
}

fn setup() -> Setup {
    Setup {
        banner: "the victim 1.2.3".to_owned(),
        log: std::env::var_os(harness::LOG).map(Into::into),
        // The shortest possible for the victim that has to run into it.
        time_limit: match std::env::var(harness::VICTIM).as_deref() {
            Ok("blocked_allocator") => Duration::from_millis(1),
            _ => Duration::from_mins(5),
        },
    }
}

fn command<'a>(client: u64, args: &'a [&'a [u8]]) -> Command<'a> {
    Command { client, args, secret: false }
}

fn on_a_thread(body: impl FnOnce() + Send) {
    thread::scope(|scope| drop(scope.spawn(body)));
}

fn leave_no_core_file() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `none` is a valid limit.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}

fn raise(signal: i32) {
    // SAFETY: `raise` has no preconditions.
    unsafe { libc::raise(signal) };
}

/// A mapping that can be made to vanish, of [`PAGE`] bytes.
fn map(protection: i32) -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    // SAFETY: a new mapping where the kernel likes touches no memory that exists.
    let mapping = unsafe { libc::mmap(ptr::null_mut(), PAGE, protection, flags, -1, 0) };
    assert_ne!(mapping, libc::MAP_FAILED);
    mapping.cast()
}

#[inline(never)]
fn read_what_may_not_be_read() {
    let forbidden = map(libc::PROT_NONE);
    println!("forbidden: {:#x}", forbidden.addr());
    // SAFETY: none; this is the fault that the test is about.
    black_box(unsafe { forbidden.read_volatile() });
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "the overflow that the test is about")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse(depth + 1) + black_box(frame)[0]
}

#[inline(never)]
fn wait_to_be_killed() {
    println!("ready");
    loop {
        // SAFETY: `pause` has no preconditions.
        black_box(unsafe { libc::pause() });
    }
}

fn many_arguments() {
    let numbered: Vec<Vec<u8>> = (0..40).map(|n| format!("v{n}").into_bytes()).collect();
    let mut args: Vec<&[u8]> = numbered.iter().map(Vec::as_slice).collect();
    args[0] = b"MSET";
    args[1] = b"\0\r\n\"\\\xff";
    args[2] = b"";
    args[3] = &[b'e'; 128];
    args[4] = &[b'l'; 129];
    running(command(77, &args), || raise(libc::SIGSEGV));
}

/// Takes the memory of the arguments away under a running command, as a stray `munmap` would.
fn lose_arguments() {
    publish_info("used_memory:3\r\n".to_owned());
    let memory = map(libc::PROT_READ);
    // SAFETY: the mapping is readable, for as long as the slice is used but for the crime below.
    let lost = unsafe { std::slice::from_raw_parts(memory, 3) };
    running(command(3, &[b"SET", lost]), || {
        // SAFETY: none; this breaks the slice on purpose.
        unsafe { libc::munmap(memory.cast(), PAGE) };
        raise(libc::SIGABRT);
    });
}

fn die_twice() {
    let together = Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                protect_thread().expect("protected");
                together.wait();
                raise(libc::SIGABRT);
            });
        }
    });
}
