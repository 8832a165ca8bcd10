//! The derive macro of the crate `heapwalk`, where it is documented.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod attributes;
mod bounds;
mod expand;

/// Implements `heapwalk::HeapWalk`: see there.
#[proc_macro_derive(HeapWalk, attributes(heapwalk))]
pub fn derive_heap_walk(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
