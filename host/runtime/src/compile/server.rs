//! The child's side: one component in, its code out.

use std::io::{self, BufRead, BufReader, Read, Write};

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::Fingerprint;
use super::message::{Answer, LINE, Request, line, parse};

/// The lowest priority there is: whoever serves comes first.
const NICE: i32 = 19;

/// Answers one request: reads it and the component's bytes from `input`, and writes the code to `output`. For the hidden
/// command that a [`Child`](super::Child) starts; call it before anything starts threads, which would keep the priority
/// of before.
///
/// The process ends itself when `input` ends before the answer is written: then nobody waits for it any more.
///
/// ```no_run
/// runtime::compile::serve(std::io::stdin(), &mut std::io::stdout())?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve(input: impl Read + Send + 'static, output: &mut impl Write) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut head = Vec::new();
    (&mut input).take(LINE).read_until(b'\n', &mut head)?;
    let request: Request = parse(&head)?;
    lower(&request)?;
    let mut bytes = vec![0; request.component];
    input.read_exact(&mut bytes)?;
    end_with(input)?;
    let (answer, code) = compile(&request, &bytes);
    output.write_all(&line(&answer)?)?;
    output.write_all(&code)?;
    output.flush()
}

fn compile(request: &Request, bytes: &[u8]) -> (Answer, Vec<u8>) {
    let compiled = request.engine.compiler().and_then(|engine| {
        let code = engine.precompile_component(bytes)?;
        Ok((Fingerprint::of(&engine), code))
    });
    match compiled {
        Ok((engine, code)) => (Answer::Compiled { engine, code: code.len() }, code),
        Err(error) => (Answer::Refused(format!("{error:#}")), Vec::new()),
    }
}

/// Comes last on the processor unless it is urgent, and gets no more memory than it may. Linux counts what is written to only, not what is
/// reserved; other systems may not hold the limit for memory at all.
fn lower(request: &Request) -> io::Result<()> {
    if !request.urgent {
        nice(NICE)?;
    }
    let limit = |resource, limit| {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })
    };
    limit(Resource::Data, request.memory)?;
    // What a crash would leave behind is of use to nobody.
    limit(Resource::Core, 0)?;
    Ok(())
}

/// Ends this process when the input ends. A signal at the death of the parent would come too early: Linux sends it when
/// the thread that started us ends.
fn end_with(mut input: impl Read + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("owner".to_owned()).spawn(move || {
        // Nothing more is ever sent, so this waits for the end.
        drop(io::copy(&mut input, &mut io::sink()));
        std::process::exit(1);
    })?;
    Ok(())
}
