//! The implementation that the derive writes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Field, Fields, Member, Result, Type};

use crate::attributes::{self, OfType};
use crate::bounds;

/// One field that is walked.
struct Walked<'a> {
    member: Member,
    binding: Ident,
    ty: &'a Type,
}

/// A struct, or a variant of an enum.
struct Shape<'a> {
    /// Its name in a pattern.
    path: TokenStream,
    walked: Vec<Walked<'a>>,
}

impl<'a> Shape<'a> {
    fn read(path: TokenStream, fields: &'a Fields) -> Result<Self> {
        let mut walked = Vec::new();
        for (position, field) in fields.iter().enumerate() {
            if !attributes::is_skipped(field)? {
                let (member, binding) = names(position, field);
                walked.push(Walked { member, binding, ty: &field.ty });
            }
        }
        Ok(Self { path, walked })
    }

    /// The arm that calls `method` of each field.
    fn arm(&self, krate: &syn::Path, method: &Ident) -> TokenStream {
        let path = &self.path;
        let members = self.walked.iter().map(|field| &field.member);
        let bindings: Vec<_> = self.walked.iter().map(|field| &field.binding).collect();
        quote! {
            #path { #(#members: #bindings,)* .. } => {
                #(#krate::HeapWalk::#method(#bindings, visitor)?;)*
            }
        }
    }
}

/// What a field is called in a pattern, and what it is bound to.
fn names(position: usize, field: &Field) -> (Member, Ident) {
    let binding = format_ident!("field_{}", position);
    (field.ident.clone().map_or_else(|| Member::from(position), Member::from), binding)
}

/// Writes the implementation.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let OfType { krate, bounds } = OfType::read(input)?;
    let shapes = match &input.data {
        Data::Struct(data) => vec![Shape::read(quote!(Self), &data.fields)?],
        Data::Enum(data) => {
            let read = data.variants.iter().map(|variant| {
                let name = &variant.ident;
                Shape::read(quote!(Self::#name), &variant.fields)
            });
            read.collect::<Result<Vec<_>>>()?
        }
        Data::Union(data) => {
            let what = "a union doesn't know which of its fields is there";
            return Err(Error::new(data.union_token.span, what));
        }
    };

    let types: Vec<_> = shapes.iter().flat_map(|shape| &shape.walked).map(|field| field.ty).collect();
    let mut generics = input.generics.clone();
    let inferred = bounds::infer(&input.generics, &krate, types.iter().copied());
    let predicates = &mut generics.make_where_clause().predicates;
    match bounds {
        Some(given) => predicates.extend(given),
        None => predicates.extend(inferred),
    }
    let (implementation, _, where_clause) = generics.split_for_impl();
    let (_, arguments, _) = input.generics.split_for_impl();

    let name = &input.ident;
    let [measure, relocate] = ["measure", "relocate"].map(|method| {
        let method = format_ident!("{method}");
        let arms = shapes.iter().map(|shape| shape.arm(&krate, &method));
        // A place, so that an enum without variants is matched too.
        if shapes.is_empty() { quote!(match *self {}) } else { quote!(match self { #(#arms)* }) }
    });
    Ok(quote! {
        #[automatically_derived]
        #[allow(unused_variables, unreachable_code, clippy::all)]
        impl #implementation #krate::HeapWalk for #name #arguments #where_clause {
            const OWNS_BLOCKS: bool = false #(|| <#types as #krate::HeapWalk>::OWNS_BLOCKS)*;

            fn measure<HeapWalkVisitor: #krate::Measure + ?::core::marker::Sized>(
                &self,
                visitor: &mut HeapWalkVisitor,
            ) -> ::core::ops::ControlFlow<()> {
                #measure
                ::core::ops::ControlFlow::Continue(())
            }

            fn relocate<HeapWalkVisitor: #krate::Relocate + ?::core::marker::Sized>(
                &mut self,
                visitor: &mut HeapWalkVisitor,
            ) -> ::core::ops::ControlFlow<()> {
                #relocate
                ::core::ops::ControlFlow::Continue(())
            }
        }
    })
}
