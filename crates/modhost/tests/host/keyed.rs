//! Where the keys of modules' commands are and what is done with them: as redis-server tells it.

use crate::oracle::{Redis, same};
use crate::support::{Server, compile};

fn both() -> (Server, Redis) {
    let mut ours = Server::new();
    let library = compile(ours.directory(), "keyed", &[]);
    ours.load_file(&library, &[]).expect("loaded");
    (ours, Redis::with(&library))
}

#[test]
fn commands_are_described_as_by_redis_server() {
    let (mut ours, mut theirs) = both();
    for name in ["put", "read", "pairs", "none", "find", "busy", "maybe", "told"] {
        same(&mut ours, &mut theirs, &format!("command info keyed.{name}"));
    }
}

#[test]
fn keys_are_found_as_by_redis_server() {
    let (mut ours, mut theirs) = both();
    for name in ["put", "read", "pairs", "none", "find", "busy", "maybe", "told", "absent"] {
        for args in ["", " a", " a b", " a b c", " a b c d", " a keys b c", " keys"] {
            let script =
                format!("command getkeys keyed.{name}{args}\ncommand getkeysandflags keyed.{name}{args}");
            same(&mut ours, &mut theirs, &script);
        }
    }
}

/// A command that is only said to read may do anything to its keys, for all that anybody knows.
#[test]
fn who_may_only_read_is_refused_as_by_redis_server() {
    let (mut ours, mut theirs) = both();
    same(
        &mut ours,
        &mut theirs,
        "acl setuser reader on nopass %R~k +@all
        auth reader any
        keyed.read k
        keyed.read l
        keyed.told keys k
        keyed.told keys l
        keyed.find x k
        keyed.find x k y l
        keyed.put k
        get k",
    );
}

#[test]
fn digests_of_values_of_which_nothing_is_shown_are_those_of_redis_server() {
    let (mut ours, mut theirs) = both();
    same(
        &mut ours,
        &mut theirs,
        "keyed.put k
        debug digest-value k
        expire k 1000
        debug digest-value k none
        set k text
        debug digest-value k",
    );
}
