//! The least that a function on Lambda can be: it takes each event from the Runtime API and answers with it.
//! What anything else takes longer than this is its own.
//!
//! With ASK=host:port and ASK_TIMES=n it asks there so often for /config before it answers, one after the other on a
//! connection that it keeps: the least that a function can be which has to ask somebody.

use std::env;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;

fn main() -> Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").expect("AWS_LAMBDA_RUNTIME_API is set by Lambda");
    let mut service = match (env::var("ASK"), env::var("ASK_TIMES")) {
        (Ok(address), Ok(times)) => Some((
            open(&address)?,
            address,
            times.parse().expect("ASK_TIMES is a number"),
        )),
        _ => None,
    };
    let mut runtime = open(&api)?;
    loop {
        let next = "/2018-06-01/runtime/invocation/next";
        let (headers, event) = ask(
            &mut runtime,
            &format!("GET {next} HTTP/1.1\r\nHost: {api}\r\n\r\n"),
            &[],
        )?;
        let id = header(&headers, "lambda-runtime-aws-request-id").unwrap_or_default();
        if let Some((connection, address, times)) = &mut service {
            for _ in 0..*times {
                ask(
                    connection,
                    &format!("GET /config HTTP/1.1\r\nHost: {address}\r\n\r\n"),
                    &[],
                )?;
            }
        }
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {api}\r\nContent-Length: {}\r\n\r\n",
            event.len()
        );
        ask(&mut runtime, &head, &event)?;
    }
}

fn open(address: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// One call on a connection; the answer's headers and body.
fn ask(
    answer: &mut BufReader<TcpStream>,
    head: &str,
    body: &[u8],
) -> Result<(Vec<String>, Vec<u8>)> {
    answer
        .get_mut()
        .write_all(&[head.as_bytes(), body].concat())?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        answer.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        headers.push(line.trim_end().to_owned());
    }
    let length = header(&headers, "content-length")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    let mut content = vec![0; length];
    answer.read_exact(&mut content)?;
    Ok((headers, content))
}

fn header(headers: &[String], name: &str) -> Option<String> {
    headers
        .iter()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
}
