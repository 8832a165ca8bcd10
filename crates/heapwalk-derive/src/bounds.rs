//! The bounds that make a generic type's fields walkable.
//!
//! Each type parameter that occurs in a field is bounded, and each field type that is itself a
//! projection from one (`T::Item`). Bounds on the fields' types as they stand would go round in circles
//! for types that contain themselves.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{Generics, Ident, Path, Type, TypePath, WherePredicate, parse_quote};

/// The bounds that these field types need.
pub(crate) fn infer<'a>(
    generics: &Generics,
    krate: &Path,
    types: impl Iterator<Item = &'a Type>,
) -> Vec<WherePredicate> {
    let mut found = Found { parameters: Vec::new(), used: BTreeSet::new(), projections: Vec::new() };
    found.parameters.extend(generics.type_params().map(|parameter| &parameter.ident));
    types.for_each(|ty| found.visit_type(ty));
    let used = found.parameters.iter().filter(|parameter| found.used.contains(**parameter));
    let parameters = used.map(|parameter| parse_quote!(#parameter: #krate::HeapWalk));
    let projections = found.projections.iter().map(|ty| parse_quote!(#ty: #krate::HeapWalk));
    parameters.chain(projections).collect()
}

/// What occurs in the types visited.
struct Found<'a> {
    parameters: Vec<&'a Ident>,
    used: BTreeSet<&'a Ident>,
    projections: Vec<&'a TypePath>,
}

impl Found<'_> {
    fn is_parameter(&self, ident: &Ident) -> bool {
        self.parameters.contains(&ident)
    }
}

impl<'a> Visit<'a> for Found<'a> {
    fn visit_type_path(&mut self, ty: &'a TypePath) {
        let segments = &ty.path.segments;
        // It owns nothing, whatever its parameter.
        if segments.last().is_some_and(|segment| segment.ident == "PhantomData") {
            return;
        }
        let of_trait = ty.qself.as_ref().map(|qself| &*qself.ty);
        if let Some(Type::Path(inner)) = of_trait
            && inner.path.get_ident().is_some_and(|ident| self.is_parameter(ident))
        {
            self.projections.push(ty);
            return;
        }
        if of_trait.is_none()
            && let Some(first) = segments.first()
            && self.is_parameter(&first.ident)
        {
            if segments.len() == 1 {
                self.used.insert(&first.ident);
            } else {
                self.projections.push(ty);
            }
        }
        visit::visit_type_path(self, ty);
    }
}
