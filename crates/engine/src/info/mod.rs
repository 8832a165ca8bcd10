//! INFO: its sections, each a function that writes its fields. A field is measured, computed or set by
//! configuration; what has no meaning here isn't shown, so that nothing that is shown needs to be doubted.

mod absent;
mod clients;
mod commands;
mod cpu;
mod doctor;
mod figures;
mod keyspace;
mod memory;
mod modules;
mod persistence;
mod server;
mod stats;

pub(crate) use doctor::diagnose;
pub(crate) use figures::MemoryFigures;

use std::fmt::{Display, Write};

use crate::engine::Engine;

/// The version of Redis that clients which look are told they talk to.
pub const REDIS_VERSION: &str = "7.4.0";

/// A section: its title, which in lower case is its name, and what writes its fields.
struct Section {
    title: &'static str,
    write: fn(&mut Engine, &mut Fields),
}

/// The sections that are shown only by name, or with all others.
const ON_REQUEST: [&str; 2] = ["Commandstats", "Latencystats"];

/// Every section, in Redis's order.
const SECTIONS: &[Section] = &[
    Section { title: "Server", write: server::write },
    Section { title: "Clients", write: clients::write },
    Section { title: "Memory", write: memory::write },
    Section { title: "Persistence", write: persistence::write },
    Section { title: "Stats", write: stats::write },
    Section { title: "Replication", write: absent::replication },
    Section { title: "CPU", write: cpu::write },
    Section { title: "Modules", write: modules::write },
    Section { title: "Commandstats", write: commands::calls },
    Section { title: "Errorstats", write: commands::errors },
    Section { title: "Latencystats", write: commands::latencies },
    Section { title: "Cluster", write: absent::cluster },
    Section { title: "Keyspace", write: keyspace::write },
];

impl Engine {
    /// The text of INFO: the sections that are named, in any case and order, or all of them when none is.
    ///
    /// `all` and `everything` name every section, `default` and no name at all those that are cheap and short; an
    /// unknown name is ignored.
    pub fn info_text(&mut self, names: &[impl AsRef<[u8]>]) -> String {
        let is_named = |title: &str| {
            let is = |name: &[u8], other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            let by_default = !ON_REQUEST.contains(&title);
            let means = |name: &[u8]| {
                [title, "all", "everything"].iter().any(|other| is(name, other))
                    || by_default && is(name, "default")
            };
            names.is_empty() && by_default || names.iter().any(|name| means(name.as_ref()))
        };
        let mut fields = Fields(String::new());
        for section in SECTIONS.iter().filter(|section| is_named(section.title)) {
            fields.title(section.title);
            (section.write)(self, &mut fields);
        }
        let more = self.module_sections(names);
        // The gap before a section is for what stands in front of it.
        fields.0.push_str(if fields.0.is_empty() {
            more.strip_prefix("\r\n").unwrap_or(&more)
        } else {
            &more
        });
        fields.0
    }

    /// The sections of modules: all of them for `everything` and `modules`, else those that are named and that no
    /// section of the engine's own is called.
    fn module_sections(&mut self, names: &[impl AsRef<[u8]>]) -> String {
        let names: Vec<&[u8]> = names.iter().map(AsRef::as_ref).collect();
        let is = |name: &[u8], other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let all = names.iter().any(|name| is(name, "everything") || is(name, "modules"));
        let mut own: Vec<&str> = SECTIONS.iter().map(|section| section.title).collect();
        own.extend(["all", "default"]);
        let is_known = |name: &&&[u8]| own.iter().any(|title| is(name, title));
        let others: Vec<&[u8]> = names.iter().filter(|name| !is_known(name)).copied().collect();
        match self.modules.clone() {
            Some(modules) if all => modules.info(self, &[]),
            Some(modules) if !others.is_empty() => modules.info(self, &others),
            _ => String::new(),
        }
    }
}

/// The text of INFO as it grows.
struct Fields(String);

impl Fields {
    fn title(&mut self, title: &str) {
        let gap = if self.0.is_empty() { "" } else { "\r\n" };
        self.write(format_args!("{gap}# {title}\r\n"));
    }

    fn field(&mut self, name: &str, value: impl Display) {
        self.write(format_args!("{name}:{value}\r\n"));
    }

    /// A number of bytes, and the same for people.
    fn bytes(&mut self, name: &str, bytes: usize) {
        self.field(name, bytes);
        self.write(format_args!("{name}_human:{}\r\n", human(bytes)));
    }

    /// A figure with two decimals.
    fn decimal(&mut self, name: &str, value: f64) {
        self.write(format_args!("{name}:{value:.2}\r\n"));
    }

    fn percent(&mut self, name: &str, value: f64) {
        self.write(format_args!("{name}:{value:.2}%\r\n"));
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        self.0.write_fmt(arguments).expect("writing to a String does not fail");
    }
}

/// A number of bytes in the largest unit that it fills, with two decimals: `1.50K`.
fn human(bytes: usize) -> String {
    const UNITS: [char; 5] = ['K', 'M', 'G', 'T', 'P'];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let power = (bytes.ilog2() / 10).min(5);
    format!("{:.2}{}", bytes as f64 / (1_u64 << (10 * power)) as f64, UNITS[power as usize - 1])
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn bytes_for_people() {
        let cases = [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1536, "1.50K"),
            ((1 << 20) - 1, "1024.00K"),
            (1 << 20, "1.00M"),
            (25_276_514_304, "23.54G"),
            (3 << 40, "3.00T"),
            (1 << 50, "1.00P"),
            (1 << 60, "1024.00P"),
        ];
        for (bytes, text) in cases {
            assert_eq!(human(bytes), text);
        }
    }
}
