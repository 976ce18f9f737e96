//! How values look on a page.

use protocol::Language;
use types::{Time, time};
pub(crate) use web::text::money;

/// A point in the business zone for machines and people; the zone's name shows on hover.
pub(crate) fn time(at: Time, language: Language) -> String {
    let zone = super::text(language, "zone", None);
    format!(r#"<time datetime="{}" title="{zone}">{}</time>"#, at.rfc3339(), at.local())
}

/// `4:59`: minutes and seconds that are left of so many microseconds; `0:00` once there are none.
pub(crate) fn countdown(left: i64) -> String {
    let left_s = left.max(0) / time::SECOND;
    format!("{}:{:02}", left_s / 60, left_s % 60)
}

/// `2026-11` of a point in the business zone.
pub(crate) fn month(at: Time) -> String {
    at.local().chars().take(7).collect()
}

/// A user agent in three words: program and system. Never more than what a payer needs to know the device.
pub(crate) fn device(agent: &str) -> Option<String> {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    // Order matters: later programs also name earlier ones.
    let program = find(&[
        ("MicroMessenger", "WeChat"),
        ("Edg", "Edge"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = find(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("HarmonyOS", "HarmonyOS"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => Some(format!("{program} · {system}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => Some(agent.chars().take(24).collect()).filter(|short: &String| !short.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_reads_as_minutes_and_seconds() {
        let s = time::SECOND;
        for (left, shown) in [
            (300 * s, "5:00"),
            (300 * s - 1, "4:59"),
            (61 * s, "1:01"),
            (9 * s, "0:09"),
            (0, "0:00"),
            (-s, "0:00"),
        ] {
            assert_eq!(countdown(left), shown);
        }
    }

    #[test]
    fn time_names_its_zone_on_hover() {
        let at = Time::parse_rfc3339("2026-11-21T15:04:05+08:00").unwrap();
        assert_eq!(
            time(at, Language::En),
            r#"<time datetime="2026-11-21T15:04:05+08:00" title="China Standard Time (Asia/Shanghai, UTC+8)">2026-11-21 15:04:05</time>"#
        );
        assert_eq!(month(at), "2026-11");
        assert_eq!(month(Time::parse_rfc3339("2026-11-30T16:00:00Z").unwrap()), "2026-12");
    }

    #[test]
    fn a_device_is_known_by_program_and_system() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
                Some("Safari · iPhone"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36",
                Some("Chrome · Android"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0",
                Some("Edge · Windows"),
            ),
            ("curl/8.0", Some("curl/8.0")),
            ("", None),
        ] {
            assert_eq!(device(agent).as_deref(), name);
        }
    }
}
