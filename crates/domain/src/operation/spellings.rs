//! Every line of `e2e/data/path-spellings.txt`, judged.

use super::*;
use crate::path::RequestPath;

const SPELLINGS: &str = include_str!("../../../../e2e/data/path-spellings.txt");

/// Method, template, multi-segment parameters, name; in the document's order.
const GITHUB: &[(&str, &str, &[&str], &str)] = &[
    ("GET", "/", &[], "meta/root"),
    ("GET", "/gists/starred", &[], "gists/list-starred"),
    ("GET", "/gists/{gist_id}", &[], "gists/get"),
    ("GET", "/repos/{owner}/{repo}", &[], "repos/get"),
    ("PATCH", "/repos/{owner}/{repo}", &[], "repos/update"),
    ("DELETE", "/repos/{owner}/{repo}", &[], "repos/delete"),
    ("GET", "/repos/{owner}/{repo}/compare/{base}...{head}", &["base", "head"], "repos/compare-commits"),
    ("GET", "/repos/{owner}/{repo}/contents/{path}", &["path"], "repos/get-content"),
    ("GET", "/repos/{owner}/{repo}/git/ref/{ref}", &["ref"], "git/get-ref"),
    ("GET", "/repos/{owner}/{repo}/issues", &[], "issues/list-for-repo"),
    ("POST", "/repos/{owner}/{repo}/issues", &[], "issues/create"),
    ("GET", "/repos/{owner}/{repo}/issues/comments", &[], "issues/list-comments-for-repo"),
    ("GET", "/repos/{owner}/{repo}/issues/{issue_number}", &[], "issues/get"),
    ("PATCH", "/repos/{owner}/{repo}/issues/{issue_number}", &[], "issues/update"),
    ("GET", "/repos/{owner}/{repo}/pulls", &[], "pulls/list"),
    ("POST", "/repos/{owner}/{repo}/pulls", &[], "pulls/create"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", &[], "pulls/get"),
    ("GET", "/users/{username}", &[], "users/get-by-username"),
    ("GET", "/users/{username}/repos", &[], "repos/list-for-user"),
];

/// The verdict on each line of the file, in its order; the API's base path is `/`.
const VERDICTS: &[(&str, &str)] = &[
    ("ok GET /repos/o/r/issues", "issues/list-for-repo"),
    ("ok GET /repos/o/r/issues?state=open", "issues/list-for-repo"),
    ("ok HEAD /repos/o/r/issues", "issues/list-for-repo"),
    ("ok GET /repos/o%20x/r/issues", "issues/list-for-repo"),
    ("ok GET /repos/%C3%A9/r/issues", "issues/list-for-repo"),
    ("GET /repos/o/r/issues/../pulls", "refused: the path has a dot segment"),
    ("GET /repos/o/r/issues/..%2fpulls", "refused: the path has a dot segment"),
    ("GET /repos/o/r/issues/%2e%2e/pulls", "refused: the path has a dot segment"),
    ("GET /repos/o/r/issues/.%2e/pulls", "refused: the path has a dot segment"),
    ("GET /repos/o/r/issues/%252e%252e/pulls", "refused: the path is percent-encoded twice"),
    ("GET /repos/o/r/issues/..;/pulls", "refused: the path has a `;`"),
    ("GET /repos/o/r/issues;x=/../pulls", "refused: the path has a `;`"),
    (r"GET /repos/o/r/issues/..\pulls", "refused: the path has a backslash"),
    ("GET /repos/o/r/issues/..%5cpulls", "refused: the path has a backslash"),
    ("GET /repos/o/r/pulls/../issues", "refused: the path has a dot segment"),
    ("GET //repos/o/r/pulls", "refused: the path has an empty segment (`//`)"),
    ("GET /repos//o/r/pulls", "refused: the path has an empty segment (`//`)"),
    ("GET /./repos/o/r/pulls", "refused: the path has a dot segment"),
    ("GET /repos/o/r/pulls/", "pulls/list"),
    ("GET /repos/o/r/pulls/.", "refused: the path has a dot segment"),
    ("GET /repos/o/r/pulls//", "refused: the path has an empty segment (`//`)"),
    ("GET /REPOS/o/r/pulls", "pulls/list"),
    ("GET /Repos/o/r/Pulls", "pulls/list"),
    ("GET /repos/o/r/pull%73", "pulls/list"),
    ("GET /repos/o/r/%70ulls", "pulls/list"),
    ("GET /%72epos/o/r/pulls", "pulls/list"),
    ("GET /repos/o/r%2Fpulls/issues", "refused: the path has an encoded slash outside a multi-segment parameter"),
    ("GET /repos/o%2Fr%2Fpulls%3F/r/issues", "refused: the path has an encoded `?` or `#`"),
    ("GET /repos/o/r/issues%2F..%2Fpulls", "refused: the path has a dot segment"),
    ("GET /repos/o/r/pulls%00/issues", "refused: the target has a control character"),
    ("GET /repos/o/r/issues%00", "refused: the target has a control character"),
    ("GET /repos/o/r/pulls#/issues", "refused: the target has a `#`"),
    ("GET /repos/o/r/pulls%23/issues", "refused: the path has an encoded `?` or `#`"),
    ("GET /repos/o/r/pulls?/issues", "pulls/list"),
    ("GET /repos/o/r/pulls%3F/issues", "refused: the path has an encoded `?` or `#`"),
    ("GET /repos/o/r/pulls;/issues", "refused: the path has a `;`"),
    ("GET /repos/o/r;/pulls", "refused: the path has a `;`"),
    ("GET /repos/o/r/issues/1/../../pulls", "refused: the path has a dot segment"),
    ("GET /repos/o/r/%C0%AE%C0%AE/pulls", "refused: the path does not decode to UTF-8"),
    ("GET /repos/o/r/%u002e%u002e/pulls", "refused: the path has a broken percent escape"),
    ("GET /repos/o/r/issues%0d%0aX-Original-URI:%20/", "refused: the target has a control character"),
    ("GET /repos/o/r/issues%20HTTP/1.1", "unlisted"),
    ("GET http://api.github.com/repos/o/r/pulls", "refused: the target does not begin with `/`"),
    ("GET http://evil.example/repos/o/r/issues", "refused: the target does not begin with `/`"),
    ("GET *", "refused: the target does not begin with `/`"),
    ("POST /repos/o/r/issues", "issues/create"),
    ("DELETE /repos/o/r/issues", "other method"),
    ("GET /repos/o/r/issues?_method=DELETE", "issues/list-for-repo & other method"),
    ("GET /repos/o/r/issues?_method=POST", "issues/list-for-repo & issues/create"),
    ("PROPFIND /repos/o/r/issues", "other method"),
    ("get /repos/o/r/issues", "other method"),
    ("GET /repos/o/r", "repos/get"),
    ("GET /repos/o", "unlisted"),
    ("GET /repos", "unlisted"),
    ("GET /", "meta/root"),
    ("GET /repos/o/r/issues/1", "issues/get"),
    ("GET /v3/repos/o/r/pulls", "unlisted"),
    ("GET /api/v3/repos/o/r/pulls", "unlisted"),
];

fn operations() -> Vec<Operation> {
    let operation = |(method, template, multi_segment, name): &(&str, &str, &[&str], &str)| Operation {
        name: (*name).into(),
        method: (*method).into(),
        template: (*template).into(),
        multi_segment: multi_segment.iter().map(|name| (*name).into()).collect(),
        summary: "".into(),
        tags: Vec::new(),
        versions: Vec::new(),
    };
    GITHUB.iter().map(operation).collect()
}

/// What a key must hold for a request, by the request line's method and by `_method`.
fn judge(method: &str, target: &str) -> String {
    let operations = operations();
    let router = Router::build(&operations).unwrap();
    let path = match RequestPath::parse(target) {
        Ok(path) => path,
        Err(problem) => return format!("refused: {problem}"),
    };
    let overrides: Vec<_> = path.query_methods().map(|method| MethodOverride::parse(&method).unwrap()).collect();
    let methods = std::iter::once(Method::parse(method).unwrap()).chain(overrides.iter().map(MethodOverride::method));
    let each = methods.map(|method| match router.matches(method, &Remainder::whole(&path)) {
        Matches::Operations(required) => {
            required.iter().map(|index| &*operations[index as usize].name).collect::<Vec<_>>().join(" + ")
        }
        Matches::OtherMethod => "other method".to_owned(),
        Matches::Unlisted => "unlisted".to_owned(),
        Matches::Refused(refusal) => format!("refused: {refusal}"),
    });
    each.collect::<Vec<_>>().join(" & ")
}

#[test]
fn each_spelling_has_its_verdict() {
    let lines: Vec<&str> = SPELLINGS.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, VERDICTS.iter().map(|(line, _)| *line).collect::<Vec<_>>(), "the file and this table differ");
    for (line, expected) in VERDICTS {
        let request = line.strip_prefix("ok ").unwrap_or(line);
        let (method, target) = request.split_once(' ').unwrap();
        let verdict = judge(method, target);
        assert_eq!(verdict, *expected, "{line}");
        // Only a request that every upstream takes for that very operation may pass a key that holds nothing else.
        assert_eq!(verdict == "issues/list-for-repo", line.starts_with("ok "), "{line}");
    }
}

#[test]
fn further_spellings_have_their_verdicts() {
    let slash = "refused: the path has an encoded slash outside a multi-segment parameter";
    for (method, target, expected) in [
        ("GET", "/gists/starred", "gists/list-starred"),
        ("GET", "/gists/abc", "gists/get"),
        ("GET", "/gists/STARRED", "gists/list-starred + gists/get"),
        ("GET", "/gists/%C5%BFtarred", "gists/list-starred + gists/get"),
        ("GET", "/gists/starred.", "gists/list-starred + gists/get"),
        ("GET", "/gists/starred/", "gists/list-starred + gists/get"),
        ("GET", "/GISTS/starred", "gists/list-starred + gists/get"),
        ("GET", "/gists/a%2Fb", slash),
        ("GET", "/repos/o/r/contents/a/b/c", "repos/get-content"),
        ("GET", "/repos/o/r/contents/a%2Fb", "repos/get-content"),
        ("GET", "/repos/o/r/contents", "unlisted"),
        ("GET", "/repos/o/r/contents/", "unlisted"),
        ("GET", "/repos/o/r%2Fcontents/a", slash),
        ("GET", "/repos/o/r/git/ref/heads/x", "git/get-ref"),
        ("GET", "/repos/o/r/compare/a...b", "repos/compare-commits"),
        ("GET", "/repos/o/r/compare/f/a...f/b", "repos/compare-commits"),
        ("GET", "/repos/o/r/compare/f%2Fa...f%2Fb", "repos/compare-commits"),
        ("GET", "/repos/o/r/compare/...b", "unlisted"),
        ("GET", "/repos/o/r/compare/a..b", "unlisted"),
        ("GET", "/repos/o/r/issues/comments", "issues/list-comments-for-repo"),
        ("GET", "/repos/o/r/issues/Comments", "issues/list-comments-for-repo + issues/get"),
        ("HEAD", "/repos/o/r/issues/1", "issues/get"),
        ("head", "/repos/o/r/issues/1", "other method"),
        ("PATCH", "/REPOS/o/r", "repos/update"),
        ("POST", "/repos/o/r/issues?_method=patch", "issues/create & other method"),
        ("GET", "/repos/o/r?a=b&%5FMethod=Delete", "repos/get & repos/delete"),
    ] {
        assert_eq!(judge(method, target), expected, "{method} {target}");
    }
}
