//! Events of the server, directives, users, other modules and nodes.

api! {
    "Server hooks implementation" {
        "6.0.0" fn SubscribeToServerEvent(ctx: *mut Ctx, event: Event, callback: Option<EventFunc>) -> c_int;
        "6.0.9" fn IsSubEventSupported(event: Event, subevent: u64) -> c_int;
    }
    "Module Configurations API" {
        "7.0.0" fn RegisterBoolConfig(
            ctx: *mut Ctx,
            name: *const c_char,
            default_val: c_int,
            flags: c_uint,
            getfn: Option<ConfigGetBoolFunc>,
            setfn: Option<ConfigSetBoolFunc>,
            applyfn: Option<ConfigApplyFunc>,
            privdata: *mut c_void,
        ) -> c_int;
        "7.0.0" fn RegisterNumericConfig(
            ctx: *mut Ctx,
            name: *const c_char,
            default_val: c_longlong,
            flags: c_uint,
            min: c_longlong,
            max: c_longlong,
            getfn: Option<ConfigGetNumericFunc>,
            setfn: Option<ConfigSetNumericFunc>,
            applyfn: Option<ConfigApplyFunc>,
            privdata: *mut c_void,
        ) -> c_int;
        "7.0.0" fn RegisterStringConfig(
            ctx: *mut Ctx,
            name: *const c_char,
            default_val: *const c_char,
            flags: c_uint,
            getfn: Option<ConfigGetStringFunc>,
            setfn: Option<ConfigSetStringFunc>,
            applyfn: Option<ConfigApplyFunc>,
            privdata: *mut c_void,
        ) -> c_int;
        "7.0.0" fn RegisterEnumConfig(
            ctx: *mut Ctx,
            name: *const c_char,
            default_val: c_int,
            flags: c_uint,
            enum_values: *mut *const c_char,
            int_values: *const c_int,
            num_enum_vals: c_int,
            getfn: Option<ConfigGetEnumFunc>,
            setfn: Option<ConfigSetEnumFunc>,
            applyfn: Option<ConfigApplyFunc>,
            privdata: *mut c_void,
        ) -> c_int;
        "7.0.0" fn LoadConfigs(ctx: *mut Ctx) -> c_int;
    }
    "Modules ACL API" {
        "6.0.0" fn CreateModuleUser(name: *const c_char) -> *mut User;
        "6.0.0" fn FreeModuleUser(user: *mut User);
        "6.0.0" fn SetModuleUserACL(user: *mut User, acl: *const c_char) -> c_int;
        "7.0.6" fn SetModuleUserACLString(
            ctx: *mut Ctx,
            user: *mut User,
            acl: *const c_char,
            error: *mut *mut ModuleString,
        ) -> c_int;
        "7.0.6" fn GetModuleUserACLString(user: *mut User) -> *mut ModuleString;
        "7.0.0" fn GetCurrentUserName(ctx: *mut Ctx) -> *mut ModuleString;
        "7.0.0" fn GetModuleUserFromUserName(name: *mut ModuleString) -> *mut User;
        "7.0.0" fn ACLCheckCommandPermissions(
            user: *mut User,
            argv: *mut *mut ModuleString,
            argc: c_int,
        ) -> c_int;
        "7.0.0" fn ACLCheckKeyPermissions(user: *mut User, key: *mut ModuleString, flags: c_int) -> c_int;
        "7.0.0" fn ACLCheckChannelPermissions(
            user: *mut User,
            ch: *mut ModuleString,
            literal: c_int,
        ) -> c_int;
        "7.0.0" fn ACLAddLogEntry(ctx: *mut Ctx, user: *mut User, object: *mut ModuleString, reason: c_int);
        "7.2.0" fn ACLAddLogEntryByUserName(
            ctx: *mut Ctx,
            user: *mut ModuleString,
            object: *mut ModuleString,
            reason: c_int,
        );
        "6.0.0" fn AuthenticateClientWithACLUser(
            ctx: *mut Ctx,
            name: *const c_char,
            len: usize,
            callback: Option<UserChangedFunc>,
            privdata: *mut c_void,
            client_id: *mut u64,
        ) -> c_int;
        "6.0.0" fn AuthenticateClientWithUser(
            ctx: *mut Ctx,
            user: *mut User,
            callback: Option<UserChangedFunc>,
            privdata: *mut c_void,
            client_id: *mut u64,
        ) -> c_int;
        "6.0.0" fn DeauthenticateAndCloseClient(ctx: *mut Ctx, client_id: u64) -> c_int;
        "7.0.0" fn RedactClientCommandArgument(ctx: *mut Ctx, pos: c_int) -> c_int;
        "6.0.9" fn GetClientCertificate(ctx: *mut Ctx, id: u64) -> *mut ModuleString;
    }
    "Modules API exporting / importing" {
        "5.0.4" fn ExportSharedAPI(ctx: *mut Ctx, apiname: *const c_char, func: *mut c_void) -> c_int;
        "5.0.4" fn GetSharedAPI(ctx: *mut Ctx, apiname: *const c_char) -> *mut c_void;
    }
    "Modules Cluster API" {
        "5.0.0" fn RegisterClusterMessageReceiver(
            ctx: *mut Ctx,
            kind: u8,
            callback: Option<ClusterMessageFunc>,
        );
        "5.0.0" fn SendClusterMessage(
            ctx: *mut Ctx,
            target_id: *const c_char,
            kind: u8,
            msg: *const c_char,
            len: u32,
        ) -> c_int;
        "5.0.0" fn GetClusterNodeInfo(
            ctx: *mut Ctx,
            id: *const c_char,
            ip: *mut c_char,
            master_id: *mut c_char,
            port: *mut c_int,
            flags: *mut c_int,
        ) -> c_int;
        "5.0.0" fn GetClusterNodesList(ctx: *mut Ctx, numnodes: *mut usize) -> *mut *mut c_char;
        "5.0.0" fn FreeClusterNodesList(ids: *mut *mut c_char);
        "5.0.0" fn GetMyClusterID() -> *const c_char;
        "5.0.0" fn GetClusterSize() -> usize;
        "5.0.0" fn SetClusterFlags(ctx: *mut Ctx, flags: u64);
        "7.4.0" fn ClusterKeySlot(key: *mut ModuleString) -> c_uint;
        "7.4.0" fn ClusterCanonicalKeyNameInSlot(slot: c_uint) -> *const c_char;
    }
}
