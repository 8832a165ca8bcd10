//! The functions that the Rust source exports.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use quote::ToTokens;
use syn::{FnArg, Item, ItemFn, ReturnType, Type};

use crate::exports::{Functions, Signature};
use crate::gcc::package;

/// Every function with `#[unsafe(no_mangle)]`, in every file.
pub(crate) fn functions() -> Functions {
    let mut items = Vec::new();
    read(&package().join("src"), &mut items);
    let aliases: BTreeMap<String, String> = items.iter().filter_map(function_type).collect();
    let exported = items.iter().filter_map(|item| match item {
        Item::Fn(function) if is_exported(function) => {
            Some((function.sig.ident.to_string(), signature(function, &aliases)))
        }
        _ => None,
    });
    exported.collect()
}

fn read(directory: &Path, items: &mut Vec<Item>) {
    for entry in fs::read_dir(directory).expect("a directory of this package") {
        let path = entry.expect("a file of this package").path();
        if path.is_dir() {
            read(&path, items);
        } else {
            let text = fs::read_to_string(&path).expect("a source of this package");
            items.extend(syn::parse_file(&text).expect("Rust").items);
        }
    }
}

fn is_exported(function: &ItemFn) -> bool {
    function.attrs.iter().any(|attribute| text(attribute).contains("no_mangle"))
}

fn signature(function: &ItemFn, aliases: &BTreeMap<String, String>) -> Signature {
    let name = &function.sig.ident;
    assert!(
        function.sig.abi.as_ref().is_some_and(|abi| text(abi) == "extern \"C\""),
        "{name} is not `extern \"C\"`"
    );
    let parameters = function.sig.inputs.iter().map(|argument| match argument {
        FnArg::Typed(argument) => in_c(&text(&argument.ty), aliases),
        _ => panic!("{name} is a method"),
    });
    let result = match &function.sig.output {
        ReturnType::Default => "void".to_owned(),
        ReturnType::Type(_, result) => in_c(&text(result), aliases),
    };
    Signature { result, parameters: parameters.collect() }
}

/// An alias of a function pointer, and what it is in C.
fn function_type(item: &Item) -> Option<(String, String)> {
    let Item::Type(alias) = item else { return None };
    let Type::FnPtr(function) = &*alias.ty else { return None };
    let none = BTreeMap::new();
    let parameters: Vec<_> = function.inputs.iter().map(|input| in_c(&text(&input.ty), &none)).collect();
    let result = match &function.output {
        ReturnType::Default => "void".to_owned(),
        ReturnType::Type(_, result) => in_c(&text(result), &none),
    };
    Some((alias.ident.to_string(), format!("{result} (*)({})", parameters.join(", "))))
}

/// A type of Rust in C.
fn in_c(rust: &str, aliases: &BTreeMap<String, String>) -> String {
    if let Some(pointee) = rust.strip_prefix("* mut ") {
        return pointer_to(&in_c(pointee, aliases));
    }
    if let Some(pointee) = rust.strip_prefix("* const ") {
        return format!("const {}", pointer_to(&in_c(pointee, aliases)));
    }
    // A function pointer that may be null.
    if let Some(alias) = rust.strip_prefix("Option < ").and_then(|rest| rest.strip_suffix(" >")) {
        return aliases.get(alias).unwrap_or_else(|| panic!("{alias} is no function pointer")).clone();
    }
    let name = match rust {
        "c_void" => "void",
        "c_char" => "char",
        "c_int" => "int",
        "c_uint" => "unsigned int",
        "c_long" => "long",
        "c_longlong" => "long long",
        "usize" => "size_t",
        _ => panic!("{rust} has no counterpart in C here"),
    };
    name.to_owned()
}

fn pointer_to(c: &str) -> String {
    let blank = if c.ends_with('*') { "" } else { " " };
    format!("{c}{blank}*")
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}
