//! Hiding secrets in answers, where the operator wants it (FlowG 23).
//!
//! A client that reads an object, changes it and saves it sends the mask back: then the stored secret stays.

use crate::failure::Failure;
use serde_json::Value;

/// What is shown in the place of a secret.
const MASK: &str = "********";

/// Hides these members of an object; of a member that is an object, every text in it.
pub(crate) fn hide(object: &mut Value, members: &[&str]) {
    for member in members {
        match object.get_mut(member) {
            Some(Value::Object(texts)) => texts.values_mut().for_each(mask),
            Some(secret) => mask(secret),
            None => {}
        }
    }
}

fn mask(secret: &mut Value) {
    if secret.as_str().is_some_and(|text| !text.is_empty()) {
        *secret = MASK.into();
    }
}

/// Puts the stored secrets in the place of masks that a client sent back.
///
/// # Errors
/// 400 with the place of a mask that stands for nothing; `at` is where the object is in the body.
pub(crate) fn keep(object: &mut Value, stored: Option<&Value>, members: &[&str], at: &str) -> Result<(), Failure> {
    for member in members {
        let known = stored.and_then(|stored| stored.get(member));
        match object.get_mut(member) {
            Some(Value::Object(texts)) => {
                for (name, secret) in texts {
                    unmask(secret, known.and_then(|known| known.get(name)), &format!("{at}/{member}/{name}"))?;
                }
            }
            Some(secret) => unmask(secret, known, &format!("{at}/{member}"))?,
            None => {}
        }
    }
    Ok(())
}

fn unmask(secret: &mut Value, known: Option<&Value>, at: &str) -> Result<(), Failure> {
    if secret == MASK {
        let text = || format!("{at}: {MASK} stands for a stored secret, and there is none");
        *secret = known.cloned().ok_or_else(|| Failure::validation("body", vec![text()]))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    const MEMBERS: &[&str] = &["token", "headers", "other"];

    #[test]
    fn what_was_hidden_comes_back_and_what_is_new_stays() {
        let stored = json!({"url": "u", "token": "t", "headers": {"A": "1", "B": ""}});
        let mut shown = stored.clone();
        hide(&mut shown, MEMBERS);
        assert_eq!(shown, json!({"url": "u", "token": MASK, "headers": {"A": MASK, "B": ""}}));
        let mut sent = shown.clone();
        keep(&mut sent, Some(&stored), MEMBERS, "#").unwrap();
        assert_eq!(sent, stored);
        let mut sent = json!({"url": "v", "token": "new", "headers": {"A": MASK, "C": "3"}});
        keep(&mut sent, Some(&stored), MEMBERS, "#").unwrap();
        assert_eq!(sent, json!({"url": "v", "token": "new", "headers": {"A": "1", "C": "3"}}));
    }

    #[test]
    fn a_mask_that_stands_for_nothing_is_named() {
        let stored = json!({"headers": {}});
        for (mut sent, place) in [(json!({"token": MASK}), "#/a/token"), (json!({"headers": {"A": MASK}}), "#/a/headers/A")] {
            let failure = keep(&mut sent, Some(&stored), MEMBERS, "#/a").unwrap_err();
            let text = format!("{place}: {MASK} stands for a stored secret, and there is none");
            assert_eq!(failure, Failure::validation("body", vec![text]));
        }
    }
}
