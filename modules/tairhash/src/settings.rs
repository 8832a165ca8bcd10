//! What the module was loaded with.
//!
//! The arguments are names and values in turn, as Tair's module has them. Which of its three modes
//! (SCAN, SORT or SLAB) that one was built in makes no difference here: there is one way, with keys
//! and fields both sorted, as in SORT mode. So a mode is no argument, and naming one is refused.

use std::sync::OnceLock;
use std::time::Duration;

use module_kit::number::parse_integer;
use redis_module::RedisString;

/// How fields expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `enable_active_expire`, 0 or 1: whether fields are removed without anybody asking for them.
    pub(crate) is_active: bool,
    /// `active_expire_period`, in milliseconds: from one turn to the next.
    pub(crate) period: Duration,
    /// `active_expire_keys_per_loop`: fields of one database that a turn removes at most.
    pub(crate) per_database: usize,
    /// `active_expire_dbs_per_loop`: databases that a turn looks at; the next goes on after them.
    pub(crate) databases: usize,
    /// `passive_expire_keys_per_loop`: fields that a write removes at most besides its own.
    pub(crate) per_write: usize,
}

/// What Tair's module does without arguments.
const DEFAULT: Settings = Settings {
    is_active: true,
    period: Duration::from_millis(1000),
    per_database: 1000,
    databases: 16,
    per_write: 3,
};

static SETTINGS: OnceLock<Settings> = OnceLock::new();

impl Settings {
    /// What the module was loaded with.
    pub(crate) fn current() -> Self {
        *SETTINGS.get().unwrap_or(&DEFAULT)
    }

    /// Reads the arguments that the module is loaded with; [`Settings::current`] has them then.
    ///
    /// # Errors
    /// When an argument is unknown or its value out of range, in words for the log; the module
    /// doesn't load then.
    pub(crate) fn load(args: &[RedisString]) -> Result<Self, String> {
        let all: Vec<_> = args.iter().map(RedisString::as_slice).collect();
        let settings = Self::of_arguments(&all)?;
        Ok(*SETTINGS.get_or_init(|| settings))
    }

    fn of_arguments(args: &[&[u8]]) -> Result<Self, String> {
        let mut settings = DEFAULT;
        for pair in args.chunks(2) {
            let name = String::from_utf8_lossy(pair[0]).to_lowercase();
            let value = pair.get(1).ok_or_else(|| format!("the argument {name} has no value"))?;
            let number = parse_integer(value).and_then(|number| u32::try_from(number).ok());
            let number = number.ok_or_else(|| format!("the value of {name} is out of range"))?;
            match (name.as_str(), number) {
                ("enable_active_expire", 0 | 1) => settings.is_active = number == 1,
                ("active_expire_period", 1..) => settings.period = Duration::from_millis(number.into()),
                ("active_expire_keys_per_loop", 1..) => settings.per_database = number as usize,
                ("active_expire_dbs_per_loop", 1..) => settings.databases = number as usize,
                ("passive_expire_keys_per_loop", _) => settings.per_write = number as usize,
                (
                    "enable_active_expire"
                    | "active_expire_period"
                    | "active_expire_keys_per_loop"
                    | "active_expire_dbs_per_loop",
                    _,
                ) => return Err(format!("the value of {name} is out of range")),
                _ => return Err(format!("there is no argument {name}")),
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let parse = |text: &str| {
            let words: Vec<_> = text.split_whitespace().map(str::as_bytes).collect();
            Settings::of_arguments(&words)
        };
        assert_eq!(parse(""), Ok(DEFAULT));
        let all = "ENABLE_ACTIVE_EXPIRE 0 active_expire_period 5 active_expire_keys_per_loop 7 \
                   active_expire_dbs_per_loop 2 Passive_expire_keys_per_loop 0";
        let expected = Settings {
            is_active: false,
            period: Duration::from_millis(5),
            per_database: 7,
            databases: 2,
            per_write: 0,
        };
        assert_eq!(parse(all), Ok(expected));
        for (text, complaint) in [
            ("what 1", "there is no argument what"),
            ("SORT_MODE 1", "there is no argument sort_mode"),
            ("enable_active_expire", "the argument enable_active_expire has no value"),
            ("enable_active_expire 2", "the value of enable_active_expire is out of range"),
            ("active_expire_period 0", "the value of active_expire_period is out of range"),
            ("active_expire_period -1", "the value of active_expire_period is out of range"),
            ("active_expire_keys_per_loop 0", "the value of active_expire_keys_per_loop is out of range"),
            ("active_expire_dbs_per_loop 0", "the value of active_expire_dbs_per_loop is out of range"),
            ("passive_expire_keys_per_loop x", "the value of passive_expire_keys_per_loop is out of range"),
        ] {
            assert_eq!(parse(text), Err(complaint.to_owned()));
        }
    }
}
