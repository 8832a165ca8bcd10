//! The types of values that modules have registered, as the engine knows them.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use keyspace::{ModuleType, ModuleTypes};

use crate::engine::Engine;

/// Who knows the types; nobody, where there is no host of modules.
#[derive(Clone, Default)]
pub(crate) struct Registered(Option<Rc<dyn ModuleTypes>>);

impl ModuleTypes for Registered {
    fn by_id(&self, id: u64) -> Option<Arc<dyn ModuleType>> {
        self.0.as_ref()?.by_id(id)
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registered").field(&self.0.is_some()).finish()
    }
}

impl Engine {
    /// Says who knows the types that modules have registered: RESTORE asks for them.
    pub fn set_module_types(&mut self, types: Rc<dyn ModuleTypes>) {
        self.module_types = Registered(Some(types));
    }
}
