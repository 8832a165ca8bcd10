//! Client libraries written by others.

use std::process::Command;

use redis::Commands;

use crate::support::Server;

/// What redis-py is asked to do; an assertion that fails shows in the exit status.
const PYTHON: &str = r#"
import sys, redis
for protocol in ({}, {"decode_responses": True}):
    r = redis.Redis(port=int(sys.argv[1]), **protocol)
    text = (lambda b: b) if protocol else (lambda b: b.encode())
    assert r.ping()
    assert r.set("name", "value", ex=100)
    assert r.get("name") == text("value")
    assert 0 < r.ttl("name") <= 100
    assert r.set("name", "other", nx=True) is None
    assert r.mset({"a": 1, "b": 2}) and r.mget("a", "b", "none") == [text("1"), text("2"), None]
    assert r.incrby("a", 41) == 42 and r.incrbyfloat("a", 0.5) == 42.5
    assert sorted(r.scan_iter(match="?")) == [text("a"), text("b")]
    assert r.client_setname("python") and r.client_getname() in ("python", b"python")
    assert r.info()["redis_version"] == "7.4.0"
    assert r.config_get("maxclients")["maxclients"]
    assert r.memory_usage("a") > 0
    try:
        r.incr("name")
        raise SystemExit("INCR of a word must fail")
    except redis.ResponseError as error:
        assert "not an integer" in str(error)
    pipe = r.pipeline(transaction=False)
    for n in range(1000):
        pipe.set(f"key:{n}", n)
    assert all(pipe.execute())
    assert r.dbsize() == 1003
    assert r.flushall()
print("done")
"#;

#[test]
fn redis_py_works() {
    let server = Server::start(&[]);
    let output = Command::new("/usr/bin/python3")
        .args(["-c", PYTHON, &server.port().to_string()])
        .output()
        .expect("python3 is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "done\n", "{errors}");
}

#[test]
fn the_redis_crate_works() {
    let server = Server::start(&[]);
    for protocol in ["", "?protocol=resp3"] {
        let client =
            redis::Client::open(format!("redis://127.0.0.1:{}/{protocol}", server.port())).expect("a URL");
        let mut connection = client.get_connection().expect("a connection");
        let _: () = connection.set("key", b"a\0b").expect("SET");
        assert_eq!(connection.get::<_, Vec<u8>>("key").expect("GET"), b"a\0b");
        assert_eq!(connection.get::<_, Option<String>>("none").expect("GET"), None);
        assert_eq!(connection.incr::<_, _, i64>("n", 2).expect("INCRBY"), 2);
        let error = connection.incr::<_, _, i64>("key", 1).expect_err("not a number");
        assert!(error.to_string().contains("not an integer"), "{error}");
        let (a, b): (i64, Vec<String>) =
            redis::pipe().incr("n", 1).cmd("KEYS").arg("*").query(&mut connection).expect("a pipeline");
        assert_eq!((a, b.len()), (3, 2));
        let keys: Vec<String> = connection.scan().expect("SCAN").collect::<Result<_, _>>().expect("keys");
        assert_eq!(keys.len(), 2);
        let _: () = redis::cmd("FLUSHALL").query(&mut connection).expect("FLUSHALL");
    }
}
