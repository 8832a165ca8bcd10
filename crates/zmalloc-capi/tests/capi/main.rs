//! The libraries as a C programmer gets them: built by cargo, declared by the header, linked by gcc.
//!
//! The programs are in `tests/c`. They run against the static and the shared library over jemalloc,
//! and against a static one over the C library's allocator, which is the one that memory checkers
//! can watch: under AddressSanitizer, ThreadSanitizer and valgrind.

mod checkers;
mod exports;
mod gcc;
mod header;
mod libraries;
mod programs;
mod rust;
mod symbols;
