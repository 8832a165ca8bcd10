//! The commands that a thread is running, for its report.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering, compiler_fence};

use crate::sink::Sink;

/// At most this many bytes of an argument are printed.
const ARGUMENT_BYTES: usize = 128;
/// At most this many arguments of a command are printed.
const ARGUMENTS: usize = 32;
/// At most this many commands are printed, the innermost first.
const NESTING: usize = 8;

/// A command and who asked for it.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// The client's id, as CLIENT ID answers it.
    pub client: u64,
    /// The command's name and its arguments.
    pub args: &'a [&'a [u8]],
    /// Whether the arguments carry a password (AUTH, HELLO, CONFIG SET requirepass): then only the
    /// command's name and the number of arguments are printed.
    pub secret: bool,
}

/// A published command and the one around it. Lives in [`running`]'s stack frame.
struct Frame<'a> {
    command: Command<'a>,
    outer: *mut Frame<'static>,
}

thread_local! {
    /// The innermost command of this thread. Read by this thread's signal handlers only, so the
    /// orderings it needs are the compiler's.
    static INNERMOST: AtomicPtr<Frame<'static>> = const { AtomicPtr::new(ptr::null_mut()) };
}

/// Runs `body`; a report that this thread writes meanwhile shows `command`.
///
/// Costs two stores to a thread-local variable and allocates nothing. Calls may nest, as when a
/// script runs commands; a report shows the innermost command first. A report by *another* thread
/// does not show the command, because its arguments could vanish while they are printed.
///
/// This is a function that takes a closure rather than a guard because a guard can be leaked, and
/// the report would then follow a pointer to arguments that are gone.
#[inline]
pub fn running<R>(command: Command<'_>, body: impl FnOnce() -> R) -> R {
    let outer = INNERMOST.with(|innermost| innermost.load(Ordering::Relaxed));
    let mut frame = Frame { command, outer };
    publish((&raw mut frame).cast());
    let _withdraw = Withdraw { outer };
    body()
}

/// Has a report leave out the arguments of the innermost command of this thread, if one is running.
pub fn conceal() {
    let innermost = INNERMOST.with(|innermost| innermost.load(Ordering::Relaxed));
    // SAFETY: what is published is in the stack frame of a `running` that goes on, and only this thread reaches it.
    if let Some(frame) = unsafe { innermost.as_mut() } {
        frame.command.secret = true;
    }
}

/// Restores the outer command, also when `body` unwinds.
struct Withdraw {
    outer: *mut Frame<'static>,
}

impl Drop for Withdraw {
    #[inline]
    fn drop(&mut self) {
        publish(self.outer);
    }
}

#[inline]
fn publish(frame: *mut Frame<'static>) {
    // The frame is complete before it is published, and what follows stays behind it.
    compiler_fence(Ordering::SeqCst);
    INNERMOST.with(|innermost| innermost.store(frame, Ordering::Relaxed));
    compiler_fence(Ordering::SeqCst);
}

/// A number that no other living thread has.
pub(crate) fn thread_token() -> usize {
    INNERMOST.with(|innermost| ptr::from_ref(innermost).addr())
}

/// Prints the commands that the calling thread is running. Neither allocates nor locks.
pub(crate) fn print(sink: &mut Sink) {
    let mut frame = INNERMOST.with(|innermost| innermost.load(Ordering::Relaxed));
    compiler_fence(Ordering::SeqCst);
    if frame.is_null() {
        sink.line(format_args!("this thread was running no command"));
    }
    for depth in 0..NESTING {
        // SAFETY: `frame` is null or was published by a call of `running` on this thread that has
        // not returned: it withdraws the frame before its stack frame ends, and this function runs
        // on top of that. The borrow of the arguments lasts as long as that call.
        let Some(Frame { command, outer }) = (unsafe { frame.as_ref() }) else {
            break;
        };
        if depth > 0 {
            sink.line(format_args!("called by:"));
        }
        print_one(sink, command);
        frame = *outer;
    }
}

fn print_one(sink: &mut Sink, command: &Command<'_>) {
    let count = command.args.len();
    sink.line(format_args!("client {}, {count} words, name included", command.client));
    let shown = if command.secret { 1 } else { ARGUMENTS };
    for (index, argument) in command.args.iter().take(shown).enumerate() {
        // Arguments may be what the process died of: what is known so far goes out first.
        let length = argument.len();
        if length > ARGUMENT_BYTES {
            sink.line(format_args!("[{index}] {length} bytes, of which the first {ARGUMENT_BYTES}:"));
        } else {
            sink.text(format_args!("[{index}] "));
        }
        sink.quoted(&argument[..length.min(ARGUMENT_BYTES)]);
        sink.line(format_args!(""));
    }
    if count > shown {
        let why = if command.secret { "withheld, they hold a password" } else { "not shown" };
        sink.line(format_args!("{} more {why}", count - shown));
    }
}
