//! `#[heapwalk(…)]` on types and fields.

use syn::punctuated::Punctuated;
use syn::{Attribute, DeriveInput, Error, Field, LitStr, Path, Result, Token, WherePredicate, parse_quote};

/// What a type's attributes say.
pub(crate) struct OfType {
    /// Where the crate `heapwalk` is found.
    pub(crate) krate: Path,
    /// The bounds, if they are given.
    pub(crate) bounds: Option<Punctuated<WherePredicate, Token![,]>>,
}

impl OfType {
    pub(crate) fn read(input: &DeriveInput) -> Result<Self> {
        let mut read = Self { krate: parse_quote!(::heapwalk), bounds: None };
        for attribute in ours(&input.attrs) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("crate") {
                    read.krate = meta.value()?.parse::<LitStr>()?.parse()?;
                } else if meta.path.is_ident("bound") {
                    let text: LitStr = meta.value()?.parse()?;
                    read.bounds = Some(text.parse_with(Punctuated::parse_terminated)?);
                } else {
                    return Err(meta.error("on a type there are `bound = \"…\"` and `crate = \"…\"`"));
                }
                Ok(())
            })?;
        }
        Ok(read)
    }
}

/// Whether a field is left out.
pub(crate) fn is_skipped(field: &Field) -> Result<bool> {
    let mut skipped = false;
    for attribute in ours(&field.attrs) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("skip") {
                return Err(meta.error("on a field there is `skip = \"the reason\"`"));
            }
            let reason = meta.value().and_then(|value| value.parse::<LitStr>());
            match reason {
                Ok(text) if !text.value().trim().is_empty() => skipped = true,
                _ => return Err(Error::new_spanned(&meta.path, "say why: `skip = \"the reason\"`")),
            }
            Ok(())
        })?;
    }
    Ok(skipped)
}

fn ours(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("heapwalk"))
}
