//! The atomics and the thread-local storage of the ledger and of the counters it reads, in one place:
//! in the model (`ledger/model`) a scheduler takes them over, which tries how threads may interleave.

#[cfg(not(all(test, zmalloc_model)))]
pub(crate) use std::{sync::atomic, thread_local};

#[cfg(all(test, zmalloc_model))]
pub(crate) use crate::ledger::model::atomic;
#[cfg(all(test, zmalloc_model))]
pub(crate) use shuttle::thread_local;
