//! The least that a function on Lambda can be: it takes each event from the Runtime API and answers with it.
//! What anything else takes longer than this is its own.

use std::env;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;

fn main() -> Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").expect("AWS_LAMBDA_RUNTIME_API is set by Lambda");
    loop {
        let next = "/2018-06-01/runtime/invocation/next";
        let (headers, event) = call(&api, &format!("GET {next} HTTP/1.1\r\nHost: {api}\r\n\r\n"), &[])?;
        let id = header(&headers, "lambda-runtime-aws-request-id").unwrap_or_default();
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {api}\r\nContent-Length: {}\r\n\r\n",
            event.len()
        );
        call(&api, &head, &event)?;
    }
}

/// One call on a connection of its own; the answer's headers and body.
fn call(api: &str, head: &str, body: &[u8]) -> Result<(Vec<String>, Vec<u8>)> {
    let mut stream = TcpStream::connect(api)?;
    stream.set_nodelay(true)?;
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let mut answer = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        answer.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        headers.push(line.trim_end().to_owned());
    }
    let length = header(&headers, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
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
