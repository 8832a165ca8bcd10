//! The host: what the engine asks of it, and a module's way in and out.

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use engine::config::EventClasses;
use engine::{
    ClientId, Context, DefragStage, Engine, Error, KeyEvent, LoadRequest, Login, ModuleDirective,
    ModuleMemory, ModuleReport, Modules, Readiness, ServerEvent, Verdict,
};
use keyspace::Defrag;
use module_abi::constants::{ERR, event, subevent};
use module_abi::types::ModuleString;

use crate::areas::events::Change;
use crate::areas::{self, attributes};
use crate::blocked;
use crate::context::Ctx;
use crate::counters::{Kind, SLOTS};
use crate::data_type::Registry;
use crate::gil::Gil;
use crate::leak::Leak;
use crate::lend::lend;
use crate::library::Library;
use crate::slot::{self, Slot, Tenancy};
use crate::string::StrRef;

/// How many [`leaks`](ModuleHost::leaks) are kept: a module that comes and goes for ever takes no more.
const LEAKS: usize = 32;

const NOT_LOADED: Error = Error::fixed("ERR Error loading the extension. Please check the server logs.");

/// Hosts modules for one engine. A process has as many as it likes, but modules keep their state in statics of their
/// own: the same file is not loaded twice, whichever host has it.
///
/// When it is dropped, which its engine must be before, its modules are gone without their OnUnload: their libraries
/// are closed, and the places that they took of the [`SLOTS`] are free again. A module of which a thread
/// may still run (it has blocked clients, or contexts for threads) stays where it is, mapped and in its place; so does
/// one whose values somebody still frees, until that is done. Closing a library doesn't always unmap it: the system
/// keeps it if it has destructors to run at the end of a thread, for one.
#[derive(Debug)]
pub struct ModuleHost {
    gil: Arc<Gil>,
    /// The modules that are loaded, in that order.
    loaded: RefCell<Vec<Arc<Tenancy>>>,
    /// What those have left that went last.
    leaks: RefCell<Vec<Leak>>,
    /// Which allocation of the module that is loaded next is to fail: see [`Fault`](slot::Fault).
    fault_on_load: Cell<u64>,
}

impl Default for ModuleHost {
    fn default() -> Self {
        Self::new()
    }
}

impl ModuleHost {
    /// A host without modules.
    pub fn new() -> Self {
        Self {
            gil: Arc::default(),
            loaded: RefCell::default(),
            leaks: RefCell::default(),
            fault_on_load: Cell::default(),
        }
    }

    /// Has modules log there, whichever thread they do it on.
    pub(crate) fn set_log(&self, log: tracing::Dispatch) {
        // The first one stays; there is no second.
        let _ = self.gil.log.set(log);
    }

    /// Gives the [`leaks`](Self::leaks), and forgets them.
    pub(crate) fn take_leaks(&self) -> Vec<Leak> {
        self.leaks.take()
    }

    /// Has that allocation of the module that is loaded next fail: see [`Fault`](slot::Fault).
    pub(crate) fn fail_on_load(&self, nth: u64) {
        self.fault_on_load.set(nth);
    }

    /// The slot of the module of that name.
    pub(crate) fn slot_of(&self, name: &str) -> Option<&'static Slot> {
        self.slots().into_iter().find(|slot| slot.name() == name)
    }

    /// How many clients wait for something that modules do.
    pub(crate) fn waiting_clients(&self) -> usize {
        self.slots().into_iter().map(blocked::waiting_for).sum()
    }

    /// Lets threads of modules use the engine while `body` runs, which waits for something.
    pub fn while_idle<R>(&self, engine: &mut Engine, body: impl FnOnce() -> R) -> R {
        let tell = |engine: &mut Engine, subevent| {
            if areas::events::is_wanted(event::EVENTLOOP) {
                areas::events::event_loop(engine, &self.slots(), subevent);
            }
        };
        tell(engine, subevent::EVENTLOOP_BEFORE_SLEEP);
        let result = self.gil.while_idle(engine, body);
        tell(engine, subevent::EVENTLOOP_AFTER_SLEEP);
        result
    }

    /// The slots of the modules that are loaded.
    fn slots(&self) -> Vec<&'static Slot> {
        self.loaded.borrow().iter().map(|module| module.slot).collect()
    }

    /// Tells modules that the server ends, and ends their child process. What they hold after that is logged, and among
    /// the [`leaks`](Self::leaks).
    pub fn announce_shutdown(&self, engine: &mut Engine) {
        areas::forks::shut_down(&self.gil, engine);
        areas::events::shutdown(engine, &self.slots());
        for slot in self.slots() {
            if let Some(leak) = Leak::of(slot) {
                let values = slot.counters().census().values;
                tracing::info!("Module {} ends with {leak}; {values} of its values are in keys", leak.module);
                self.keep_leak(leak);
            }
        }
    }

    /// What modules have left that nobody will free, in the order in which they went: those that were unloaded, those
    /// whose OnLoad failed, and all others once the end of the server was announced. What is in values that keys hold
    /// then is among it. Of more than 32 the last are given; each is in the log.
    pub fn leaks(&self) -> Vec<Leak> {
        self.leaks.borrow().clone()
    }

    /// What a module that is loaded holds now, by the size of its blocks; `None` where there is no such module, or it
    /// holds nothing.
    pub fn held(&self, module: &str) -> Option<Leak> {
        let place = self.find(module.as_bytes())?;
        Leak::of(self.loaded.borrow()[place].slot)
    }

    /// Notes and logs what a module hasn't given back that is going.
    fn report_leak(&self, slot: &Slot) {
        if let Some(leak) = Leak::of(slot) {
            tracing::warn!("Module {} leaves behind what nobody will free: {leak}", leak.module);
            self.keep_leak(leak);
        }
    }

    fn keep_leak(&self, leak: Leak) {
        let mut leaks = self.leaks.borrow_mut();
        if leaks.len() == LEAKS {
            leaks.remove(0);
        }
        leaks.push(leak);
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.loaded.borrow().iter().position(|module| module.slot.name().as_bytes() == name)
    }

    /// Runs a module's OnLoad; says whether it went well.
    fn enter(
        &self,
        engine: &mut Engine,
        slot: &'static Slot,
        library: &Library,
        request: &LoadRequest<'_>,
    ) -> bool {
        {
            let mut identity = slot.identity();
            identity.path = request.path.to_vec();
            identity.args = request.args.iter().map(|arg| arg.to_vec()).collect();
        }
        areas::configs::expect(slot, request.configs);
        slot.set_loading(true);
        let ctx = Ctx::detached(slot);
        let mut argv: Vec<*mut ModuleString> =
            request.args.iter().map(|arg| StrRef::new(arg).into_raw()).collect();
        let status = lend(engine, || {
            // SAFETY: OnLoad is given what it is documented to be given.
            let status = unsafe { (library.on_load)(ctx.as_raw(), argv.as_mut_ptr(), argv.len() as c_int) };
            for string in argv.drain(..) {
                // SAFETY: made above; the module has references of its own to what it keeps.
                drop(unsafe { StrRef::from_raw(string) });
            }
            ctx.finish();
            status
        });
        slot.set_loading(false);
        let path = String::from_utf8_lossy(request.path);
        // Only that is a failure, as in Redis: modules in Rust answer a byte, with whatever is in the others.
        if status == ERR {
            tracing::warn!(
                "Module {path} initialization failed. Module not loaded: its OnLoad answered {status}"
            );
            return false;
        }
        if slot.name().is_empty() {
            tracing::warn!("Module {path} not loaded: its OnLoad has not called Init");
            return false;
        }
        if let Some(complaint) = areas::configs::complaint(slot) {
            tracing::warn!("{complaint}");
            return false;
        }
        true
    }

    /// Takes back everything that a module has registered, which may have it free something yet.
    fn forget(engine: &mut Engine, slot: &'static Slot) {
        for hooks in areas::HOOKS {
            (hooks.forget)(slot, engine);
        }
        slot.gil().inbox.forget(slot);
        slot.forget();
    }
}

impl Modules for ModuleHost {
    fn load(&self, engine: &mut Engine, request: &LoadRequest<'_>) -> Result<(), Error> {
        let path = String::from_utf8_lossy(request.path);
        let library = Library::open(request.path).map_err(|unfit| {
            tracing::warn!("Module {path} failed to load: {unfit}");
            NOT_LOADED
        })?;
        if slot::runs_from(&library) {
            tracing::warn!("Module {path} failed to load: it is loaded already");
            return Err(NOT_LOADED);
        }
        let tenancy = Tenancy::begin(&self.gil, library).map_err(|_| {
            tracing::warn!(
                "Module {path} failed to load: {SLOTS} modules are loaded, and there is room for no more"
            );
            Error::new(format!(
                "ERR Error loading the extension: {SLOTS} modules are loaded, the most there can be."
            ))
        })?;
        let slot = tenancy.slot;
        slot::fault(slot.index()).set(self.fault_on_load.take());
        engine.set_module_types(Rc::new(Registry { gil: Arc::clone(&self.gil) }));
        if !self.enter(engine, slot, tenancy.library(), request) {
            Self::forget(engine, slot);
            self.report_leak(slot);
            return Err(NOT_LOADED);
        }
        tracing::info!("Module '{}' loaded from {path}", slot.name());
        areas::categories::keep(slot);
        self.loaded.borrow_mut().push(tenancy);
        engine.events_wanted_anew();
        let mut others = self.slots();
        others.retain(|other| other.index() != slot.index());
        Change::of(slot).tell(engine, &others, subevent::MODULE_LOADED);
        Ok(())
    }

    fn unload(&self, engine: &mut Engine, name: &[u8]) -> Result<(), Error> {
        let place = self
            .find(name)
            .ok_or(Error::fixed("ERR Error unloading module: no such module with that name"))?;
        let (slot, on_unload) = {
            let loaded = self.loaded.borrow();
            (loaded[place].slot, loaded[place].library().on_unload)
        };
        if let Some(reason) = areas::HOOKS.iter().find_map(|hooks| (hooks.keeps)(slot)) {
            return Err(Error::new(format!("ERR {reason}")));
        }
        if let Some(on_unload) = on_unload {
            let ctx = Ctx::detached(slot);
            let status = lend(engine, || {
                // SAFETY: OnUnload is given what it is documented to be given.
                let status = unsafe { on_unload(ctx.as_raw()) };
                ctx.finish();
                status
            });
            if status == ERR {
                let text = String::from_utf8_lossy(name).into_owned();
                tracing::info!("Module {text} OnUnload failed. Unload canceled.");
                return Err(Error::fixed("ERR Error unloading module: operation not possible."));
            }
        }
        let tenancy = self.loaded.borrow_mut().remove(place);
        let change = Change::of(slot);
        Self::forget(engine, slot);
        self.report_leak(slot);
        engine.events_wanted_anew();
        drop(tenancy);
        tracing::info!("Module {} unloaded", String::from_utf8_lossy(name));
        change.tell(engine, &self.slots(), subevent::MODULE_UNLOADED);
        Ok(())
    }

    fn info(&self, engine: &mut Engine, names: &[&[u8]]) -> String {
        self.slots().into_iter().map(|slot| areas::info::sections(slot, engine, names)).collect()
    }

    fn attend(&self, engine: &mut Engine) {
        areas::forks::attend(&self.gil, engine);
        self.gil.inbox.attend(engine);
        let Some(due) = self.gil.next_timer() else { return };
        engine.clock_mut().refresh();
        if due <= engine.clock().now_ms() {
            self.gil.forget_timers();
            let next = self.slots().into_iter().filter_map(|slot| areas::timers::run(slot, engine)).min();
            next.into_iter().for_each(|due| self.gil.expect_timer(due));
        }
    }

    fn until_due(&self, engine: &Engine) -> Option<Duration> {
        let until = self.gil.next_timer()?.saturating_sub(engine.clock().now_ms());
        Some(Duration::from_millis(u64::try_from(until).unwrap_or(0)))
    }

    fn has_more(&self) -> bool {
        self.gil.inbox.is_used()
    }

    fn promise_kept(&self, engine: &mut Engine, promise: ClientId, reply: Vec<u8>) {
        if let Some(slot) = self.slots().into_iter().find(|slot| areas::promises::is_awaited(slot, promise)) {
            areas::promises::keep(slot, engine, promise, reply);
        }
    }

    fn descriptor_ready(&self, engine: &mut Engine, fd: i32, ready: Readiness) -> Readiness {
        let told =
            self.slots().into_iter().find_map(|slot| areas::event_loop::ready(slot, engine, fd, ready));
        told.unwrap_or_default()
    }

    fn wanted_key_events(&self) -> EventClasses {
        let loaded = self.slots();
        loaded.into_iter().fold(EventClasses::empty(), |all, slot| all | areas::notifications::wanted(slot))
    }

    fn key_event(&self, engine: &mut Engine, event: &KeyEvent<'_>) {
        for slot in self.slots() {
            areas::notifications::tell(slot, engine, event);
        }
    }

    fn server_event(&self, engine: &mut Engine, event: &ServerEvent<'_>) {
        areas::events::tell(engine, &self.slots(), event);
    }

    fn wants_going_keys(&self) -> bool {
        areas::events::is_wanted(event::KEY)
    }

    fn after_command(&self, engine: &mut Engine) {
        areas::deferred::run(engine, &self.slots());
    }

    fn has_filters(&self) -> bool {
        self.slots().into_iter().any(|slot| areas::filters::count(slot) != 0)
    }

    fn filter(&self, engine: &mut Engine, client: ClientId, args: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
        areas::filters::run(engine, self.slots().into_iter(), client.number(), None, args)
    }

    fn has_login_callbacks(&self) -> bool {
        self.slots().into_iter().any(areas::logins::has_callbacks)
    }

    fn log_in(&self, context: &mut Context<'_>, login: &Login<'_>) -> Verdict {
        areas::logins::ask_all(context, &self.slots(), login, u64::MAX)
    }

    fn user_changed(&self, engine: &mut Engine, client: ClientId) {
        let slots: Vec<&'static Slot> = slot::taken_by(&self.gil).collect();
        areas::logins::user_changed(engine, &slots, client);
    }

    fn directives(&self, engine: &mut Engine) -> Vec<ModuleDirective> {
        areas::configs::all(engine, &self.slots())
    }

    fn set_directives(&self, engine: &mut Engine, pairs: &[(&str, &[u8])]) -> Result<(), (String, String)> {
        areas::configs::set(engine, &self.slots(), pairs)
    }

    fn defrag(&self, stage: DefragStage, defrag: &mut dyn Defrag) {
        for slot in self.slots() {
            areas::defrag::run(slot, stage, defrag);
        }
    }

    fn list(&self) -> Vec<ModuleReport> {
        self.loaded.borrow().iter().map(|module| report(module.slot)).collect()
    }
}

impl Drop for ModuleHost {
    fn drop(&mut self) {
        areas::forks::abandon(&self.gil);
        for tenancy in self.loaded.take() {
            let slot = tenancy.slot;
            let has_contexts = slot.counters().census().of(Kind::Context) != 0;
            if has_contexts || blocked::keeps(slot).is_some() {
                tracing::warn!("Module {} stays mapped, as threads of it may run", slot.name());
                std::mem::forget(tenancy);
            } else {
                slot.forget();
            }
        }
    }
}

fn memory(slot: &Slot) -> ModuleMemory {
    let census = slot.counters().census();
    ModuleMemory {
        live: census.live,
        peak: census.peak,
        blocks: census.blocks(),
        raw: census.raw(),
        strings: census.of(Kind::String),
        keys: census.of(Kind::Key),
        replies: census.of(Kind::Reply),
        dictionaries: census.of(Kind::Dictionary),
        pool: census.of(Kind::Pool),
        contexts: census.of(Kind::Context),
        others: census.of(Kind::Other),
        values: census.values,
        foreign_frees: census.foreign,
    }
}

fn report(slot: &'static Slot) -> ModuleReport {
    let (used_by, using) = (areas::sharing::users(slot), areas::sharing::used(slot));
    let identity = slot.identity();
    ModuleReport {
        name: identity.name.clone(),
        version: identity.version,
        path: identity.path.clone(),
        args: identity.args.clone(),
        api: identity.api,
        used_by,
        using,
        filters: areas::filters::count(slot),
        options: attributes::option_names(slot.options()),
        memory: memory(slot),
    }
}
