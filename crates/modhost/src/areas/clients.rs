//! Clients by their numbers: who they are, and what they are called.

use std::ffi::{c_int, c_void};
use std::ptr;

use engine::{ClientId, Engine};
use module_abi::constants::{ERR, OK};
use module_abi::structs::ClientInfo;
use module_abi::types::ModuleString;

use super::events::{CLIENT_INFO_VERSION, client_info};
use crate::api::export;
use crate::context::Ctx;
use crate::guard::set_errno;
use crate::lend::with_engine;
use crate::string::{ConstStr, Str, StrRef};

/// What is found of the client of that number; `None` where there is no such client.
fn of_client<T>(number: u64, find: impl FnOnce(&Engine, ClientId) -> T) -> Option<T> {
    with_engine(|engine| engine.client_numbered(number).map(|id| find(engine, id))).flatten()
}

export! {
    /// The name of the user that a client acts for; NULL, and ENOENT, where there is no such client.
    fn GetClientUserNameById(ctx: &Ctx, number: u64) -> *mut ModuleString {
        let name = of_client(number, |engine, id| engine.client_user(id).map(<[u8]>::to_vec)).flatten();
        let Some(name) = name else {
            set_errno(libc::ENOENT);
            return ptr::null_mut();
        };
        ctx.give_string(StrRef::new(&name))
    }

    /// Fills in what is known of a client, in the version that the struct says it has; without a place for it, says
    /// whether there is such a client.
    fn GetClientInfoById(info: *mut c_void, number: u64) -> c_int {
        let found = of_client(number, |engine, id| Some(client_info(id, &engine.client_state(id)?)));
        let Some(client) = found.flatten() else { return ERR };
        if info.is_null() {
            return OK;
        }
        // SAFETY: the module passes a struct that begins with its version.
        if unsafe { info.cast::<u64>().read() } != CLIENT_INFO_VERSION {
            return ERR;
        }
        // SAFETY: a struct of that version is as long as this one.
        unsafe { info.cast::<ClientInfo>().write(client) };
        OK
    }

    /// NULL where there is no such client, or it has no name.
    fn GetClientNameById(ctx: &Ctx, number: u64) -> *mut ModuleString {
        let name = of_client(number, |engine, id| engine.client_name(id).map(<[u8]>::to_vec)).flatten();
        let name = name.filter(|name| !name.is_empty());
        name.map_or(ptr::null_mut(), |name| ctx.give_string(StrRef::new(&name)))
    }

    /// As CLIENT SETNAME: a name consists of printable characters, and an empty one takes it back.
    fn SetClientNameById(number: u64, name: Option<&Str>) -> c_int {
        let name = ConstStr(name);
        let named = with_engine(|engine| {
            let id = engine.client_numbered(number)?;
            Some(engine.name_client(id, name.bytes()))
        });
        match named.flatten() {
            Some(true) => OK,
            named => {
                set_errno(if named.is_none() { libc::ENOENT } else { libc::EINVAL });
                ERR
            }
        }
    }

    /// There is no TLS, so no client has a certificate.
    fn GetClientCertificate(_ctx: &Ctx, _number: u64) -> *mut ModuleString {
        ptr::null_mut()
    }
}
