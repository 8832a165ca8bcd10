//! What the aborting forms do when there is no memory: seen from outside, as the program ends.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::ptr::NonNull;
use std::{env, process};

use zmalloc::{Flags, set_oom_handler};

/// Tells a copy of this program which request to make.
const VARIABLE: &str = "ZMALLOC_TEST_REQUEST";

const HUGE: usize = 1 << 62;

type Request = fn() -> NonNull<u8>;

/// Every aborting form, with a request that can't be met.
const REQUESTS: &[(&str, Request)] = &[
    ("zmalloc", || zmalloc::zmalloc(HUGE)),
    ("zmalloc_usable", || zmalloc::zmalloc_usable(HUGE).cast()),
    ("zcalloc", || zmalloc::zcalloc(HUGE)),
    ("zcalloc_usable", || zmalloc::zcalloc_usable(HUGE).cast()),
    ("zcalloc_num", || zmalloc::zcalloc_num(2, HUGE / 2)),
    ("zcalloc_num_usable", || zmalloc::zcalloc_num_usable(HUGE / 2, 2).cast()),
    // SAFETY: there is no block to be live.
    ("zrealloc", || unsafe { zmalloc::zrealloc(None, HUGE) }),
    // SAFETY: live, and of no special alignment.
    ("zrealloc_usable", || unsafe { zmalloc::zrealloc_usable(Some(zmalloc::zmalloc(9)), HUGE).cast() }),
    ("zmalloc_with_flags", || zmalloc::zmalloc_with_flags(HUGE, Flags::NONE.zeroed())),
    ("zmalloc_with_flags_usable", || zmalloc::zmalloc_with_flags_usable(HUGE, Flags::NONE.align(64)).cast()),
    // SAFETY: live, and of no special alignment.
    ("zrealloc_with_flags", || unsafe {
        zmalloc::zrealloc_with_flags(Some(zmalloc::zmalloc(9)), HUGE, Flags::NONE.no_tcache())
    }),
    ("zmalloc_no_tcache", || zmalloc::zmalloc_no_tcache(HUGE)),
];

fn own_handler(size: usize) {
    println!("handler: {size}");
    process::exit(7);
}

/// In a copy of this program that was told to: makes the request, and doesn't return.
pub(crate) fn act_if_told() {
    let Ok(told) = env::var(VARIABLE) else { return };
    let (handler, name) = told.split_once(' ').unwrap();
    match handler {
        "own" => set_oom_handler(Some(own_handler)),
        "returning" => set_oom_handler(Some(|size| println!("returns: {size}"))),
        "reset" => {
            set_oom_handler(Some(own_handler));
            set_oom_handler(None);
        }
        _ => {}
    }
    if name == "overflow" {
        let block = zmalloc::zcalloc_num(HUGE, HUGE);
        panic!("met: {block:?}");
    }
    let (_, request) = REQUESTS.iter().find(|(each, _)| *each == name).unwrap();
    panic!("met: {:?}", request());
}

fn run(handler: &str, name: &str) -> Output {
    Command::new(env::current_exe().unwrap())
        .env(VARIABLE, format!("{handler} {name}"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

pub(crate) fn handlers_are_called() {
    for (name, _) in REQUESTS {
        let output = run("own", name);
        assert_eq!(output.status.code(), Some(7), "{name}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("handler: {HUGE}\n"), "{name}");
    }
    let output = run("own", "overflow");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("handler: {}\n", usize::MAX));

    for handler in ["default", "reset"] {
        let output = run(handler, "zmalloc");
        assert_eq!(output.status.signal(), Some(libc::SIGABRT));
        let report = String::from_utf8_lossy(&output.stderr);
        // A sanitizer may say something first.
        let line = report.lines().last().unwrap_or("");
        let rest = line.strip_prefix("zmalloc: out of memory allocating 4611686018427387904 bytes; in use: ");
        let (used, _) = rest.and_then(|rest| rest.split_once(' ')).expect(&report);
        assert!(used.parse::<usize>().unwrap() > 0, "{report}");
    }
    let output = run("returning", "zmalloc");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("returns: {HUGE}\n"));
}
