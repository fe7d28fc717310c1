//! The programs that fetch, convert and keep a book.

use outside::{Folder, Program, uuid};
use system_bus_sdk::prelude::*;

use crate::select::Selected;
use crate::settings::Settings;

/// The root of books.
pub(crate) const BOOKS: &str = "books";

/// A book on this machine.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) file: String,
    pub(crate) bytes: u64,
}

/// The folder of a run. It is named after it, so that another attempt finds what is there.
pub(crate) fn output_folder(io: &Io) -> Result<String> {
    let folder = uuid(&io.idempotency_key());
    Folder::of(io, BOOKS).make(&folder)?;
    Ok(folder)
}

/// Which program it is. One that is not granted fails for good.
pub(crate) async fn version(io: &Io) -> Result<String> {
    let output = Program::new("aa-book").arg("--version").within(Duration::from_secs(10));
    Ok(output.run(io).await?.text().trim().to_owned())
}

/// The program with the secret in its environment.
pub(crate) fn with_secret(io: &Io, program: Program, settings: &Settings) -> Result<Program> {
    Ok(program.env("AA_SECRET_KEY", outside::token(io, &settings.secret)?))
}

/// Fetches the book.
pub(crate) async fn download(
    io: &Io,
    folder: &str,
    selected: &Selected,
    settings: &Settings,
) -> Result<Fetched> {
    let program = Program::new("aa-book").args(["download", "--output", ".", &selected.md5]);
    let program = with_secret(io, program, settings)?.folder(BOOKS, folder);
    let _ = program.within(Duration::from_mins(15)).run(io).await?;
    found(io, folder, |name| !is_partial(name))?
        .ok_or_else(|| Error::retry("the program has left no book").named("DownloadFailed"))
}

/// Makes a PDF of it where it is none.
pub(crate) async fn convert(io: &Io, folder: &str, fetched: &Fetched) -> Result<Fetched> {
    if form(&fetched.file) == "pdf" {
        return Ok(fetched.clone());
    }
    let stem = fetched.file.rsplit_once('.').map_or(fetched.file.as_str(), |(stem, _)| stem);
    let pdf = format!("{stem}.pdf");
    // `./` keeps a name that begins with `-` from being an option.
    let (from, to) = (format!("./{}", fetched.file), format!("./{pdf}"));
    let program = Program::new("ebook-convert").args([from, to]).folder(BOOKS, folder);
    let _ = program.within(Duration::from_mins(3)).run(io).await?;
    found(io, folder, |name| name == pdf)?
        .ok_or_else(|| Error::retry("the program has left no PDF").named("ConversionFailed"))
}

/// Copies it to where books are kept; its path there.
pub(crate) async fn backup(
    io: &Io,
    folder: &str,
    file: &str,
    name: &str,
    settings: &Settings,
) -> Result<String> {
    let make = Program::new("ssh").args(["-o", "BatchMode=yes", &settings.host, "mkdir", "-p"]);
    let _ = make.arg(&settings.folder).run(io).await?;
    let path = format!("{}/{name}", settings.folder);
    let copy = Program::new("scp").args(["-q", "-o", "BatchMode=yes", &format!("./{file}")]);
    let copy = copy.arg(format!("{}:{path}", settings.host)).folder(BOOKS, folder);
    let _ = copy.within(Duration::from_mins(10)).run(io).await?;
    Ok(path)
}

/// The form of a file, by its ending.
pub(crate) fn form(file: &str) -> String {
    file.rsplit_once('.').map_or_else(String::new, |(_, form)| form.to_lowercase())
}

/// A name for a file that is kept: small letters, digits and dashes. No shell does anything with it.
pub(crate) fn plain_name(title: &str, md5: &str, file: &str) -> String {
    let letters = title.to_lowercase();
    let parts = letters.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name: String = parts.collect::<Vec<_>>().join("-").chars().take(80).collect();
    let form = form(file);
    let form = if form.bytes().all(|b| b.is_ascii_alphanumeric()) { form } else { String::new() };
    [name.trim_end_matches('-'), md5, &form].iter().filter(|part| !part.is_empty()).fold(
        String::new(),
        |name, part| match name.as_str() {
            "" => (*part).to_owned(),
            _ => format!("{name}.{part}"),
        },
    )
}

fn is_partial(name: &str) -> bool {
    name.starts_with('.') || ["part", "tmp", "crdownload"].contains(&form(name).as_str())
}

/// The largest file of a folder that fits.
fn found(io: &Io, folder: &str, fits: impl Fn(&str) -> bool) -> Result<Option<Fetched>> {
    let files = Folder::of(io, BOOKS);
    let mut largest: Option<Fetched> = None;
    for file in files.names(folder)?.into_iter().filter(|name| !name.ends_with('/') && fits(name)) {
        let bytes = files.size(&format!("{folder}/{file}"))?.unwrap_or_default();
        if bytes > largest.as_ref().map_or(0, |known| known.bytes) {
            largest = Some(Fetched { file, bytes });
        }
    }
    Ok(largest)
}
