//! Fetching a video, and taking it to where videos are kept.

use outside::{Exit, Folder, Program, uuid};
use system_bus_sdk::prelude::*;

use crate::info::Info;
use crate::settings::Settings;

/// The root of private folders.
const INGEST: &str = "video-ingest";
/// What files are called, whatever the video is.
const NAME: &str = "video";

/// A video on this machine.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Fetched {
    /// Its folder.
    pub(crate) folder: String,
    /// The file in it.
    pub(crate) file: String,
    pub(crate) info: Info,
}

/// Fetches a video into a folder of its own. The folder is named after the run, so another attempt goes on in it.
pub(crate) async fn download(io: &Io, url: &str, lines: i64, now: Timestamp) -> Result<Fetched> {
    let folder = uuid(&io.idempotency_key());
    let files = Folder::of(io, INGEST);
    files.make(&folder)?;
    let format = format!("bestvideo[height<={lines}]+bestaudio/best[height<={lines}]");
    let program = Program::new("yt-dlp").args(["-f", &format, "--merge-output-format", "mp4"]);
    let program = program.args(["--write-info-json", "--write-thumbnail", "--no-playlist"]);
    let output = format!("{NAME}.%(ext)s");
    let program = program.args(["-o", &output, "--", url]).folder(INGEST, &folder);
    let Exit { code, stderr, .. } = program.exit(io).await?;
    if code != 0 {
        let words: String =
            stderr.trim_end().lines().last().unwrap_or("nothing").chars().take(400).collect();
        return Err(Error::retry(format!("yt-dlp ended with the code {code}: {words}"))
            .named("DownloadFailed"));
    }
    let info = format!("{folder}/{NAME}.info.json");
    if files.size(&info)?.is_none() {
        return Err(Error::stop("yt-dlp has told nothing of the video").named("NoInfo"));
    }
    let info = Info::parse(&files.read(&info)?, now)?;
    let names = files.names(&folder)?;
    let is_video = |name: &&String| {
        ["mp4", "mkv", "webm"].iter().any(|ending| **name == format!("{NAME}.{ending}"))
    };
    let Some(file) = names.iter().find(is_video).cloned() else {
        return Err(Error::retry("yt-dlp has left no video").named("DownloadFailed"));
    };
    Ok(Fetched { folder, file, info })
}

/// Copies the folder to where videos are kept; its path there. Copied twice it is the same.
pub(crate) async fn transfer(io: &Io, fetched: &Fetched, settings: &Settings) -> Result<String> {
    let Fetched { folder, info, .. } = fetched;
    let path = format!("{}/{}/{}", settings.folder, info.year, info.slug);
    let make = Program::new("ssh").args(["-o", "BatchMode=yes", &settings.host]);
    let _ = make.args(["mkdir", "-p", &path]).run(io).await?;
    let names = Folder::of(io, INGEST).names(folder)?;
    let files = names
        .into_iter()
        .filter(|name| name.strip_suffix('/').or(name.strip_suffix(".part")).is_none());
    let copy = Program::new("scp").args(["-q", "-o", "BatchMode=yes"]).args(files);
    let target = format!("{}:{path}/", settings.host);
    let _ = copy.arg(target).folder(INGEST, folder).run(io).await?;
    Ok(path)
}
