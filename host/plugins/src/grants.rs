//! Whether what a version asks for is approved.

use headworks_sandbox::Grant;

/// Whether one of the approved grants allows all that the asked one allows. Both are texts of the same forms.
fn covers(approved: &str, asked: &str) -> bool {
    approved == asked
        || match (Grant::parse(approved), Grant::parse(asked)) {
            (Ok(wide), Ok(narrow)) => wide.covers(&narrow),
            _ => false,
        }
}

/// What is asked for and not approved.
pub(crate) fn missing<'a>(asked: &'a [String], approved: &[String]) -> Vec<&'a str> {
    let open = asked.iter().filter(|asked| !approved.iter().any(|approved| covers(approved, asked)));
    open.map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_approvals_cover_what_is_asked() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let asked = texts(&["https://a.example.com:443", "secret:token", "tcp://x:1"]);
        assert_eq!(missing(&asked, &[]), ["https://a.example.com:443", "secret:token", "tcp://x:1"]);
        assert_eq!(missing(&asked, &texts(&["https://*.example.com:*", "secret:token"])), ["tcp://x:1"]);
        assert_eq!(missing(&asked, &texts(&["secret:tok", "secret:token2"])).len(), 3);
        assert!(missing(&[], &[]).is_empty());
    }
}
