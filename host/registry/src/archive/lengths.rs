//! How long texts of an archive may be (NiFi Registry 24).

use super::{Archive, Coordinates, Extension, refused};
use headworks_core::Result;

/// Refuses texts that are too long, and coordinates that could not be addressed.
pub(super) fn check(archive: &Archive) -> Result<()> {
    coordinates("", &archive.coordinates)?;
    for dependency in &archive.dependencies {
        coordinates("dependency's ", dependency)?;
    }
    let build = &archive.build;
    for (what, text, most) in [
        ("system API version", &archive.system_api_version, 50),
        ("build tool", &build.tool, 100),
        ("build flags", &build.flags, 100),
        ("build branch", &build.branch, 200),
        ("build tag", &build.tag, 200),
        ("build revision", &build.revision, 100),
        ("name of who built it", &build.built_by, 4096),
    ] {
        at_most(&format_args!("its {what}"), text, most)?;
    }
    archive.extensions.iter().try_for_each(extension)
}

fn extension(extension: &Extension) -> Result<()> {
    at_most(&"the name of an extension", &extension.name, 1000)?;
    let of = |what: &str| format!("{what} of its extension {}", super::shown(&extension.name));
    at_most(&of("the type"), &extension.kind, 100)?;
    for tag in &extension.tags {
        at_most(&of("a tag"), tag, 200)?;
    }
    for restriction in extension.restricted.iter().flat_map(|restricted| &restricted.restrictions) {
        at_most(&of("a permission"), restriction.required_permission.as_deref().unwrap_or_default(), 200)?;
        at_most(&of("the explanation of a permission"), restriction.explanation.as_deref().unwrap_or_default(), 4096)?;
    }
    Ok(())
}

fn coordinates(whose: &str, coordinates: &Coordinates) -> Result<()> {
    let Coordinates { group, artifact, version } = coordinates;
    for (what, text, most) in [("group", group, 500), ("artifact", artifact, 500), ("version", version, 100)] {
        at_most(&format_args!("its {whose}{what}"), text, most)?;
        if text.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\'))
            || [".", ".."].contains(&text.as_str())
        {
            return Err(refused(format!("its {whose}{what} has a slash or a control character, or is only dots")));
        }
    }
    Ok(())
}

/// Characters, not bytes.
fn at_most(what: &dyn std::fmt::Display, text: &str, most: usize) -> Result<()> {
    if text.len() <= most || text.chars().count() <= most {
        return Ok(());
    }
    Err(refused(format!("{what} is longer than {most} characters")))
}
