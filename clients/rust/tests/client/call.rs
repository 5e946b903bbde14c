//! The call, against doors that do what doors and networks do.

use std::time::{Duration, Instant};

use claviger_client::{Builder, Client, Code, Error, Question};

use crate::doors::{Act, Doors, VALID, busy, nobody, refused, valid};

fn builder(doors: &Doors) -> Builder {
    Client::builder(doors.url()).door_token("door-token").api("shop")
}

fn question() -> Question {
    Question::of_key("clv_live_secret").request("GET", "/a")
}

#[tokio::test]
async fn many_questions_go_over_connections_that_are_used_again() {
    let doors = Doors::start([valid()]).await;
    let client = builder(&doors).build().expect("a client");
    for _ in 0..50 {
        assert!(client.clone().verify(&question()).await.expect("a verdict").is_allowed());
    }
    assert_eq!(doors.requests().len(), 50);
    // A second one may have been opened while the first was being put back.
    assert!(doors.connections() <= 2, "{}", doors.connections());
    let request = doors.requests().remove(0);
    assert!(request.starts_with("POST /v1/verify HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-claviger-door: door-token\r\n"), "{request}");
    assert!(
        request.ends_with(r#"{"credential":"clv_live_secret","method":"GET","path":"/a","api":"shop"}"#),
        "{request}"
    );
}

#[tokio::test]
async fn what_is_busy_or_breaks_is_asked_again() {
    for (script, tries) in
        [(vec![busy(""), valid()], 2), (vec![busy(""), busy(""), valid()], 3), (vec![Act::HangUp, valid()], 2)]
    {
        let doors = Doors::start(script).await;
        let verdict = builder(&doors).build().expect("a client").verify(&question()).await.expect("a verdict");
        assert!(verdict.is_allowed());
        assert_eq!(doors.requests().len(), tries);
    }
}

#[tokio::test]
async fn retries_have_an_end_and_a_refusal_is_none() {
    let doors = Doors::start([busy("")]).await;
    let answer = builder(&doors).retries(2).build().expect("a client").verify(&question()).await;
    assert_eq!((answer, doors.requests().len()), (Err(Error::Busy(None)), 3));
    let doors = Doors::start([refused("EXPIRED")]).await;
    let verdict = builder(&doors).build().expect("a client").verify(&question()).await.expect("a verdict");
    assert_eq!((verdict.is_allowed(), verdict.code, doors.requests().len()), (false, Code::Expired, 1));
}

#[tokio::test]
async fn a_server_that_asks_for_more_time_than_there_is_is_not_asked_again() {
    let doors = Doors::start([busy("retry-after: 60\r\n"), valid()]).await;
    let began = Instant::now();
    let answer = builder(&doors).build().expect("a client").verify(&question()).await;
    assert_eq!((answer, doors.requests().len()), (Err(Error::Busy(Some(60))), 1));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn the_deadline_is_over_everything() {
    let doors = Doors::start([Act::Wait(Duration::from_mins(1))]).await;
    let client = builder(&doors).deadline(Duration::from_millis(200)).build().expect("a client");
    let began = Instant::now();
    assert_eq!(client.verify(&question()).await, Err(Error::Deadline));
    assert!((200..5_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(doors.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_an_outage_and_no_verdict() {
    let client = Client::builder(nobody().await).build().expect("a client");
    let error = client.verify(&question()).await.expect_err("nobody answers");
    assert!(matches!(&error, Error::Unreachable(why) if why.contains("refused")), "{error}");
    assert!(error.is_outage() && !format!("{error} {error:?}").contains("clv_live_secret"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Doors::start([valid()]).await;
    for status in [301, 302, 303, 307, 308] {
        let to: &'static str = Box::leak(format!("location: {}/v1/verify\r\n", other.url()).into_boxed_str());
        let doors = Doors::start([Act::Answer(status, to, VALID.to_owned())]).await;
        let answer = builder(&doors).build().expect("a client").verify(&question()).await;
        assert_eq!(answer, Err(Error::Unexpected(format!("status {status}"))));
    }
    assert_eq!(other.connections(), 0, "the key went nowhere else");
}

#[tokio::test]
async fn what_is_no_verdict_lets_nobody_pass() {
    let no_verdicts = ["", "{}", "true", r#"{"valid":true}"#, "<html>", r#"{"valid":"true","code":"VALID"}"#];
    for body in no_verdicts {
        let doors = Doors::start([Act::Answer(200, "", body.to_owned())]).await;
        let error = builder(&doors).build().expect("a client").verify(&question()).await.expect_err(body);
        assert!(matches!(error, Error::Unexpected(_)) && !error.is_outage(), "{body}: {error}");
    }
    let endless = Doors::start([Act::Answer(200, "", " ".repeat(5 << 20))]).await;
    let error = builder(&endless).build().expect("a client").verify(&question()).await.expect_err("too long");
    assert_eq!(error, Error::Unexpected("it is too long".to_owned()));
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_names_what_is_malformed() {
    let problem = r#"{"type":"urn:claviger:problem:invalid_request","title":"Bad Request","status":400,"code":"invalid_request","detail":"d","request_id":"r","errors":[{"field":"path","message":"m"}]}"#;
    let doors = Doors::start([Act::Answer(200, "", format!("[{VALID},{problem}]"))]).await;
    let client = builder(&doors).build().expect("a client");
    let answers = client.verify_batch(&[question(), question()]).await.expect("answers");
    assert!(answers[0].as_ref().is_ok_and(claviger_client::Verdict::is_allowed));
    assert_eq!(answers[1].as_ref().expect_err("a problem").errors[0].field, "path");
    let error = client.verify_batch(&[question()]).await.expect_err("one too many");
    assert_eq!(error, Error::Unexpected("2 answers to 1 questions".to_owned()));
    assert_eq!(client.verify_batch(&[]).await, Ok(Vec::new()));
}
