//! MEMORY DOCTOR: a judgement on the figures, with Redis's thresholds.

use super::MemoryFigures;

const MB: usize = 1 << 20;
/// Below this much nothing can be said: what the program itself takes outweighs the data.
const TOO_LITTLE: usize = 5 * MB;
/// Waste below this isn't worth a word, whatever its ratio.
const NEGLIGIBLE: usize = 10 * MB;
/// What a client may hold on average before it is called big.
const BIG_CLIENT: usize = 200 << 10;

/// A text for whoever runs the server: what is wrong with its use of memory and what can be done, or that nothing is.
pub(crate) fn diagnose(figures: &MemoryFigures) -> String {
    if figures.used < TOO_LITTLE {
        return "There is too little data to judge: less than 5 MB is in use. Ask again when there is more.\n".into();
    }
    let findings = findings(figures);
    if findings.is_empty() {
        return "No problem found: memory is used as it should be.\n".into();
    }
    let mut text =
        format!("{} found:\n", if findings.len() == 1 { "A problem was" } else { "Problems were" });
    for finding in findings {
        text.push_str("\n * ");
        text.push_str(&finding);
        text.push('\n');
    }
    text
}

fn findings(figures: &MemoryFigures) -> Vec<String> {
    let mut findings = Vec::new();
    let mb = |bytes: usize| bytes / MB;
    if figures.peak as f64 / figures.used as f64 > 1.5 {
        findings.push(format!(
            "Peak: {} MB were in use at some time, {} MB are now. Pages of that time may still be held, \
             which shows as fragmentation and goes away as data grows again. MEMORY PURGE gives back what can be.",
            mb(figures.peak),
            mb(figures.used),
        ));
    }
    if let Some(beyond) = figures.rss_beyond_used()
        && beyond.ratio > 1.4
        && beyond.bytes > NEGLIGIBLE as i64
    {
        findings.push(format!(
            "Fragmentation: the process holds {:.2} times the memory that is in use. It is the allocator's if \
             another finding says so; otherwise it follows from a peak, or from libraries that allocate elsewhere.",
            beyond.ratio,
        ));
    }
    if let Some(allocator) = figures.allocator {
        if allocator.fragmentation_ratio() > 1.1 && allocator.fragmentation_bytes() > NEGLIGIBLE {
            findings.push(format!(
                "Allocator fragmentation: {} MB lie between blocks that are in use, {:.2} times what they take. \
                 Values whose sizes change, or keys that die at random, leave such gaps; new data fills them, and \
                 CONFIG SET activedefrag yes closes them where the allocator allows it.",
                mb(allocator.fragmentation_bytes()),
                allocator.fragmentation_ratio(),
            ));
        }
        if allocator.resident_ratio() > 1.1 && allocator.resident_bytes_unused() > NEGLIGIBLE {
            findings.push(format!(
                "Unused pages: the allocator keeps {} MB in pages without any block in use. MEMORY PURGE gives \
                 them back.",
                mb(allocator.resident_bytes_unused()),
            ));
        }
    }
    if let Some(beyond) = figures.rss_beyond_allocator()
        && beyond.ratio > 1.1
        && beyond.bytes > NEGLIGIBLE as i64
    {
        findings.push(format!(
            "Memory outside the allocator: {} MB of the process are not the allocator's, but of the program \
             itself, its threads' stacks or its libraries.",
            beyond.bytes / MB as i64,
        ));
    }
    if figures.client_count != 0 && figures.clients / figures.client_count > BIG_CLIENT {
        findings.push(format!(
            "Clients: {} hold {} KB each on average. Some send requests too slowly or don't read their replies; \
             CLIENT LIST shows which (qbuf, omem), and client-output-buffer-limit bounds them.",
            figures.client_count,
            figures.clients / figures.client_count / 1024,
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use zmalloc::AllocatorInfo;

    use super::*;

    /// 100 MB in use, and nothing wrong with it.
    fn healthy() -> MemoryFigures {
        let mut allocator = AllocatorInfo::read().expect("the allocator has statistics");
        allocator.allocated = 100 * MB;
        allocator.active = 101 * MB;
        allocator.resident = 103 * MB;
        MemoryFigures {
            used: 100 * MB,
            peak: 101 * MB,
            startup: MB,
            clients: MB,
            client_count: 10,
            databases: Vec::new(),
            keys: 1,
            rss: Some(105 * MB),
            allocator: Some(allocator),
        }
    }

    /// The first words of each finding.
    fn found(change: impl FnOnce(&mut MemoryFigures)) -> Vec<String> {
        let mut figures = healthy();
        change(&mut figures);
        let text = diagnose(&figures);
        text.lines()
            .filter_map(|line| Some(line.strip_prefix(" * ")?.split_once(':')?.0.to_owned()))
            .collect()
    }

    fn change_allocator(change: impl FnOnce(&mut AllocatorInfo)) -> impl FnOnce(&mut MemoryFigures) {
        |figures| change(figures.allocator.as_mut().expect("it was read"))
    }

    #[test]
    fn healthy_and_empty_instances_have_no_findings() {
        assert_eq!(diagnose(&healthy()), "No problem found: memory is used as it should be.\n");
        let empty = MemoryFigures { used: TOO_LITTLE - 1, ..healthy() };
        assert!(diagnose(&empty).starts_with("There is too little data to judge"));
        assert!(
            diagnose(&MemoryFigures { rss: None, allocator: None, ..healthy() }).starts_with("No problem")
        );
    }

    #[test]
    fn each_finding_has_its_threshold() {
        assert_eq!(found(|figures| figures.peak = 150 * MB), [""; 0]);
        assert_eq!(found(|figures| figures.peak = 150 * MB + 1), ["Peak"]);
        assert_eq!(found(|figures| figures.clients = 2000 << 10), [""; 0]);
        assert_eq!(found(|figures| figures.clients = (2000 << 10) + 10), ["Clients"]);
        assert_eq!(
            found(change_allocator(|allocator| allocator.active = 120 * MB)),
            ["Allocator fragmentation"]
        );
        assert_eq!(found(change_allocator(|allocator| allocator.allocated = 91 * MB)), [""; 0]);
        let outside = "Memory outside the allocator";
        assert_eq!(found(|figures| figures.rss = Some(120 * MB)), [outside]);
        assert_eq!(found(|figures| figures.rss = Some(160 * MB)), ["Fragmentation", outside]);
        let unused = |figures: &mut MemoryFigures| {
            change_allocator(|allocator| allocator.resident = 130 * MB)(figures);
            figures.rss = Some(130 * MB);
        };
        assert_eq!(found(unused), ["Unused pages"]);
    }

    #[test]
    fn waste_is_measured_in_megabytes_too() {
        let small = |figures: &mut MemoryFigures| {
            change_allocator(|allocator| {
                allocator.allocated = 6 * MB;
                allocator.active = 8 * MB;
                allocator.resident = 10 * MB;
            })(figures);
            (figures.used, figures.peak, figures.rss) = (6 * MB, 6 * MB, Some(15 * MB));
        };
        assert_eq!(found(small), [""; 0]);
    }
}
