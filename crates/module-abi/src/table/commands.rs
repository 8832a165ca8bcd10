//! Commands, and filters of commands.

api! {
    "Commands API" {
        "4.0.0" fn CreateCommand(
            ctx: *mut Ctx,
            name: *const c_char,
            cmdfunc: Option<CommandFunc>,
            strflags: *const c_char,
            firstkey: c_int,
            lastkey: c_int,
            keystep: c_int,
        ) -> c_int;
        "7.0.0" fn GetCommand(ctx: *mut Ctx, name: *const c_char) -> *mut Command;
        "7.0.0" fn CreateSubcommand(
            parent: *mut Command,
            name: *const c_char,
            cmdfunc: Option<CommandFunc>,
            strflags: *const c_char,
            firstkey: c_int,
            lastkey: c_int,
            keystep: c_int,
        ) -> c_int;
        "7.0.0" fn SetCommandInfo(command: *mut Command, info: *const CommandInfo) -> c_int;
        "7.2.0" fn SetCommandACLCategories(command: *mut Command, ctgrsflags: *const c_char) -> c_int;
        "7.4.0" fn AddACLCategory(ctx: *mut Ctx, name: *const c_char) -> c_int;
        "4.0.0" fn IsKeysPositionRequest(ctx: *mut Ctx) -> c_int;
        "4.0.0" fn KeyAtPos(ctx: *mut Ctx, pos: c_int);
        "7.0.0" fn KeyAtPosWithFlags(ctx: *mut Ctx, pos: c_int, flags: c_int);
        "7.0.0" fn IsChannelsPositionRequest(ctx: *mut Ctx) -> c_int;
        "7.0.0" fn ChannelAtPosWithFlags(ctx: *mut Ctx, pos: c_int, flags: c_int);
    }
    "Module Command Filter API" {
        "5.0.5" fn RegisterCommandFilter(
            ctx: *mut Ctx,
            cb: Option<CommandFilterFunc>,
            flags: c_int,
        ) -> *mut CommandFilter;
        "5.0.5" fn UnregisterCommandFilter(ctx: *mut Ctx, filter: *mut CommandFilter) -> c_int;
        "5.0.5" fn CommandFilterArgsCount(fctx: *mut CommandFilterCtx) -> c_int;
        "5.0.5" fn CommandFilterArgGet(fctx: *mut CommandFilterCtx, pos: c_int) -> *mut ModuleString;
        "5.0.5" fn CommandFilterArgInsert(
            fctx: *mut CommandFilterCtx,
            pos: c_int,
            arg: *mut ModuleString,
        ) -> c_int;
        "5.0.5" fn CommandFilterArgReplace(
            fctx: *mut CommandFilterCtx,
            pos: c_int,
            arg: *mut ModuleString,
        ) -> c_int;
        "5.0.5" fn CommandFilterArgDelete(fctx: *mut CommandFilterCtx, pos: c_int) -> c_int;
        "7.2.0" fn CommandFilterGetClientId(fctx: *mut CommandFilterCtx) -> c_ulonglong;
        "6.0.0" fn GetUsedMemoryRatio() -> f32;
        "6.0.0" fn MallocSize(ptr: *mut c_void) -> usize;
        "7.0.1" fn MallocUsableSize(ptr: *mut c_void) -> usize;
        "7.0.0" fn MallocSizeString(string: *mut ModuleString) -> usize;
        "7.0.0" fn MallocSizeDict(dict: *mut Dict) -> usize;
    }
}
