//! A cluster of servers, and a client that follows its redirections.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::client::{Client, Reply};
use crate::server::{Server, wait_for};

/// Redirections that a command may take, while slots are on the move.
const HOPS: usize = 64;

/// Masters that share the slots.
pub struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    /// Starts three masters with these modules, and joins them by `redis-cli --cluster create`.
    ///
    /// # Errors
    /// When one doesn't start, or they don't agree.
    pub fn start(modules: &[&Path]) -> Result<Self> {
        let start =
            || Server::start(modules, &["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"]);
        let nodes = vec![start()?, start()?, start()?];
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        let mut command = Command::new("redis-cli");
        command.args(["--cluster", "create"]).args(addresses).args([
            "--cluster-replicas",
            "0",
            "--cluster-yes",
        ]);
        run(&mut command)?;
        let cluster = Self { nodes };
        cluster.wait_until_it_agrees()?;
        Ok(cluster)
    }

    fn wait_until_it_agrees(&self) -> Result<()> {
        for node in &self.nodes {
            let mut client = node.connect()?;
            wait_for("the cluster", || Ok(client.run("CLUSTER INFO")?.contains("cluster_state:ok")))?;
        }
        Ok(())
    }

    /// The port of any node.
    pub fn port(&self) -> u16 {
        self.nodes[0].port()
    }

    /// Moves slots from one node to another, by `redis-cli --cluster reshard`.
    ///
    /// # Errors
    /// When it fails.
    pub fn reshard(port: u16, from: &str, to: &str, slots: u32) -> Result<()> {
        let mut command = Command::new("redis-cli");
        command.args(["--cluster", "reshard", &format!("127.0.0.1:{port}"), "--cluster-from", from]);
        command.args(["--cluster-to", to, "--cluster-slots", &slots.to_string(), "--cluster-yes"]);
        run(&mut command)
    }

    /// The nodes' identifiers.
    ///
    /// # Errors
    /// When one doesn't answer.
    pub fn identifiers(&self) -> Result<Vec<String>> {
        self.nodes.iter().map(|node| node.connect()?.run("CLUSTER MYID")).collect()
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().context("cannot start redis-cli")?;
    if output.status.success() {
        return Ok(());
    }
    bail!("redis-cli: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A client of a cluster: it goes where it is sent.
pub struct ClusterClient {
    clients: HashMap<u16, Client>,
    /// Where the last command was served: the next may be too.
    port: u16,
}

impl ClusterClient {
    /// A client that asks this node first.
    pub fn new(port: u16) -> Self {
        Self { clients: HashMap::new(), port }
    }

    /// Sends a command, following MOVED and ASK, and trying again on TRYAGAIN.
    ///
    /// # Errors
    /// When a connection breaks, or it is sent around for too long.
    pub fn command(&mut self, words: &[&str]) -> Result<Reply> {
        let (mut port, mut is_asking) = (self.port, false);
        for _ in 0..HOPS {
            let client = match self.clients.entry(port) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(Client::connect(port)?),
            };
            if is_asking {
                client.command(&["ASKING"])?;
            }
            let reply = client.command(words)?;
            let Reply::Error(text) = &reply else {
                self.port = if is_asking { self.port } else { port };
                return Ok(reply);
            };
            let target = || text.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            match text.split(' ').next() {
                Some("MOVED") => (port, is_asking) = (target().context("MOVED to where?")?, false),
                Some("ASK") => (port, is_asking) = (target().context("ASK where?")?, true),
                Some("TRYAGAIN") => std::thread::sleep(std::time::Duration::from_millis(5)),
                _ => return Ok(reply),
            }
        }
        bail!("sent around in the cluster")
    }
}
