//! The event loop of a server under test: descriptors, and what wakes it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use engine::{Host, Readiness};
use libc::{POLLERR, POLLHUP, POLLIN, POLLOUT, c_int, pollfd};

/// What the engine asks for, and what the loop waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct EventLoop {
    watched: Rc<RefCell<BTreeMap<i32, Readiness>>>,
    alarm: Arc<Alarm>,
}

/// Set by threads, for the loop to turn.
#[derive(Debug, Default)]
struct Alarm {
    is_set: Mutex<bool>,
    rings: Condvar,
}

impl Host for EventLoop {
    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        let alarm = Arc::clone(&self.alarm);
        Box::new(move || {
            *alarm.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
            alarm.rings.notify_one();
        })
    }

    fn watch(&mut self, fd: i32, wanted: Readiness) -> io::Result<()> {
        if wanted.is_none() {
            self.watched.borrow_mut().remove(&fd);
            return Ok(());
        }
        // SAFETY: asking for the flags of whatever number changes nothing.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            return Err(io::Error::last_os_error());
        }
        self.watched.borrow_mut().insert(fd, wanted);
        Ok(())
    }
}

impl EventLoop {
    /// Waits until a thread sets the alarm or a descriptor is ready, not longer than `limit`; gives the descriptors
    /// that are. Where descriptors are watched the alarm is seen a moment late.
    pub(super) fn wait(&self, limit: Duration) -> Vec<(i32, Readiness)> {
        let mut descriptors: Vec<pollfd> = self.watched.borrow().iter().map(as_pollfd).collect();
        let limit = if self.poll(&mut descriptors) { Duration::ZERO } else { limit };
        let is_set = self.alarm.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.alarm.rings.wait_timeout_while(is_set, limit, |is_set| !*is_set);
        let (mut is_set, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *is_set = false;
        drop(is_set);
        self.poll(&mut descriptors);
        descriptors.iter().filter(|descriptor| descriptor.revents != 0).map(readiness).collect()
    }

    /// Looks at descriptors without waiting; says whether one is ready.
    fn poll(&self, descriptors: &mut [pollfd]) -> bool {
        // SAFETY: there are so many descriptors; a number that is no open file's is no error.
        unsafe { libc::poll(descriptors.as_mut_ptr(), descriptors.len() as libc::nfds_t, 0) > 0 }
    }
}

fn as_pollfd((&fd, wanted): (&c_int, &Readiness)) -> pollfd {
    let events = if wanted.readable { POLLIN } else { 0 } | if wanted.writable { POLLOUT } else { 0 };
    pollfd { fd, events, revents: 0 }
}

/// What a descriptor is ready for. One that is broken is ready for everything, as who uses it finds out then.
fn readiness(descriptor: &pollfd) -> (i32, Readiness) {
    let is = |events| descriptor.revents & (events | POLLERR | POLLHUP) != 0;
    (descriptor.fd, Readiness { readable: is(POLLIN), writable: is(POLLOUT) })
}
