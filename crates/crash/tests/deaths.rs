//! Every way to die, each in a child process: this program runs itself as the victim, and checks
//! how the victim ended and what it left in the log.

mod harness;
mod victims;

use harness::{Death, die_of, die_of_with_log};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    if let Some(victim) = std::env::var_os(harness::VICTIM) {
        victims::die(victim.to_str().expect("a victim's name"));
        return;
    }
    let cases: &[(&str, fn())] = &[
        ("fault_names_signal_address_and_function", fault),
        ("every_fatal_signal_keeps_its_exit_status", every_signal),
        ("stack_overflow_on_the_main_thread", overflow_on_main),
        ("stack_overflow_on_a_protected_thread", overflow_on_thread),
        ("fault_on_an_unprotected_thread", fault_on_thread),
        ("abort_names_its_own_process", abort),
        ("panic_on_the_main_thread", panic_on_main),
        ("panic_on_another_thread", panic_on_thread),
        ("kill_from_outside_names_the_sender", kill),
        ("arguments_are_escaped_and_cut", arguments),
        ("secret_arguments_are_withheld", secret),
        ("nested_commands_are_all_shown", nested),
        ("finished_commands_are_not_shown", finished),
        ("commands_of_another_thread_are_not_shown", other_thread),
        ("latest_info_is_shown", info),
        ("lost_arguments_cost_one_section", lost_arguments),
        ("blocked_allocator_costs_only_the_names", blocked_allocator),
        ("two_threads_write_one_report", two_threads),
        ("log_file_is_appended_to", log_file),
        ("log_file_survives_rotation_and_chdir", rotated_log),
        ("unusable_log_file_falls_back_to_stdout", unusable_log),
        ("no_death_no_report", no_death),
        ("timer_signal_without_report_is_left_alone", timer_signal),
        ("second_install_is_refused", second_install),
    ];
    let trials = cases
        .iter()
        .map(|(name, case)| {
            Trial::test(*name, || -> Result<(), Failed> {
                case();
                Ok(())
            })
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn fault() {
    let death = die_of("fault");
    death.killed_by(libc::SIGSEGV);
    death.reports(&[
        "signal 11 (SIGSEGV), code 2, access there is not permitted, address 0x",
        "at instruction 0x",
        "the victim 1.2.3",
        "this thread was running no command",
        "none was published",
        "read_what_may_not_be_read",
    ]);
    death.lacks("stack overflow");
    let address = death.value_after("forbidden: ");
    assert_eq!(death.value_after("not permitted, address "), address);
}

fn every_signal() {
    for (signal, name) in [
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGABRT, "SIGABRT"),
    ] {
        let death = die_of(&format!("raise {signal}"));
        death.killed_by(signal);
        death.reports(&[&format!("signal {signal} ({name})"), "sent by process"]);
    }
}

fn overflow_on_main() {
    let death = die_of("overflow_on_main");
    death.killed_by(libc::SIGSEGV);
    death.reports(&["most likely a stack overflow", "recurse", "[0] \"EVAL\""]);
}

fn overflow_on_thread() {
    let death = die_of("overflow_on_thread");
    death.killed_by(libc::SIGSEGV);
    death.reports(&["most likely a stack overflow", "recurse"]);
}

fn fault_on_thread() {
    let death = die_of("fault_on_thread");
    death.killed_by(libc::SIGSEGV);
    death.begins();
    death.position("signal 11 (SIGSEGV), code 2, access there is not permitted, address 0x");
    death.position("[0] \"DEL\"");
    death.position("used_memory:5");
}

fn abort() {
    let death = die_of("abort");
    death.killed_by(libc::SIGABRT);
    let pid = death.value_after("process ");
    death.reports(&["signal 6 (SIGABRT)", &format!("sent by process {pid} of user ")]);
}

fn panic_on_main() {
    let death = die_of("panic_on_main");
    death.killed_by(libc::SIGABRT);
    death.reports(&["panic at crates/crash/tests/victims/mod.rs:", ": the answer is 42", "main at "]);
    death.lacks("(SIGABRT)");
}

fn panic_on_thread() {
    let death = die_of("panic_on_thread");
    death.killed_by(libc::SIGABRT);
    death.reports(&[": in the background", "[0] \"BGSAVE\""]);
}

fn kill() {
    let death = harness::kill_from_outside("wait", libc::SIGSEGV);
    death.killed_by(libc::SIGSEGV);
    let sender = std::process::id();
    death.reports(&[
        &format!("signal 11 (SIGSEGV), code 0, sent by process {sender} of user "),
        "wait_to_be_killed",
    ]);
}

fn arguments() {
    let death = die_of("arguments");
    death.killed_by(libc::SIGSEGV);
    death.reports(&[
        "client 77, 40 words, name included",
        r#"[0] "MSET""#,
        r#"[1] "\x00\r\n\"\\\xff""#,
        r#"[2] """#,
        &format!("[3] \"{}\"", "e".repeat(128)),
        "[4] 129 bytes, of which the first 128:",
        &format!("\"{}\"\n", "l".repeat(128)),
        r#"[31] "v31""#,
        "8 more not shown",
    ]);
    death.lacks(&"l".repeat(129));
    death.lacks("v32");
}

fn secret() {
    let death = die_of("secret");
    death.killed_by(libc::SIGSEGV);
    death.reports(&[
        "client 5, 3 words, name included",
        r#"[0] "AUTH""#,
        "2 more withheld, they hold a password",
    ]);
    death.lacks("alice");
    death.lacks("hunter2");
}

fn nested() {
    let death = die_of("nested");
    death.killed_by(libc::SIGABRT);
    let inner = death.position(r#"[0] "GET""#);
    let by = death.position("called by:");
    let outer = death.position(r#"[0] "EVAL""#);
    assert!(inner < by && by < outer, "{death:?}");
    death.lacks("SISMEMBER");
}

fn finished() {
    let death = die_of("finished");
    death.killed_by(libc::SIGABRT);
    death.reports(&["client 2, ", r#"[0] "EVAL""#]);
    death.lacks("GET");
    death.lacks("called by");
}

fn other_thread() {
    let death = die_of("other_thread");
    death.killed_by(libc::SIGABRT);
    death.reports(&["this thread was running no command"]);
    death.lacks("GET");
}

fn info() {
    let death = die_of("info");
    death.killed_by(libc::SIGABRT);
    death.reports(&["# Memory\nused_memory:2\n# Stats\n", " ms before this report"]);
    death.lacks("used_memory:1");
}

fn lost_arguments() {
    let death = die_of("lost_arguments");
    death.killed_by(libc::SIGABRT);
    death.reports(&[
        "signal 6 (SIGABRT)",
        r#"[0] "SET""#,
        "another fault cut this section short:\nsignal 11 (SIGSEGV)",
        "--- INFO",
        "used_memory:3",
        "--- stack, names",
    ]);
}

fn blocked_allocator() {
    let death = die_of("blocked_allocator");
    death.killed_by(libc::SIGSEGV);
    death.begins();
    for text in [
        "signal 11 (SIGSEGV)",
        "program+0x",
        r#"[0] "GET""#,
        "used_memory:4",
        "--- stack, names",
        "------ crash report cut short: it took longer than 1 s ------",
    ] {
        death.position(text);
    }
    death.lacks("crash report ends");
}

fn two_threads() {
    let death = die_of("two_threads");
    death.killed_by(libc::SIGABRT);
    death.reports(&["sent by process"]);
}

fn log_file() {
    let (death, log) = die_of_with_log("abort", "log", Some("an earlier line\n"));
    death.killed_by(libc::SIGABRT);
    assert_eq!(death.output, "");
    let report = log.expect("a log file");
    assert!(report.starts_with("an earlier line\n"), "{report}");
    Death { output: report, ..death }.reports(&["signal 6 (SIGABRT)"]);
}

fn rotated_log() {
    let (death, log) = die_of_with_log("chdir", "log", None);
    death.killed_by(libc::SIGABRT);
    assert_eq!(death.output, "");
    Death { output: log.expect("a log file, made anew"), ..death }.reports(&["signal 6 (SIGABRT)"]);
}

fn unusable_log() {
    let (death, log) = die_of_with_log("abort", "no/such/directory/log", None);
    death.killed_by(libc::SIGABRT);
    death.reports(&["signal 6 (SIGABRT)"]);
    assert_eq!(log, None);
}

fn no_death() {
    let death = die_of("nothing");
    assert_eq!(death.status.code(), Some(0), "{death:?}");
    assert_eq!(death.output, "");
}

fn timer_signal() {
    let death = die_of(&format!("raise {}", libc::SIGALRM));
    death.killed_by(libc::SIGALRM);
    assert_eq!(death.output, "");
}

fn second_install() {
    let death = die_of("second_install");
    assert_eq!(death.output, "AlreadyExists\n");
    assert_eq!(death.status.code(), Some(0), "{death:?}");
}
