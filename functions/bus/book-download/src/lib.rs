//! Finds a book, fetches it, and asks for it to be read in. See the README for the steps.

mod events;
mod program;
mod select;
mod settings;

use outside::{Note, Tell};
use serde_json::json;
use system_bus_sdk::prelude::*;

pub use self::events::{BookDownloaded, BookWanted, IngestRequested};
use self::settings::Settings;

/// Who is named in records.
const COMPONENT: &str = "book-download";

/// Fetches a book, and says so when it could not.
#[function(
    id = "book-download",
    name = "Book download",
    on(BookWanted),
    retries = 1,
    concurrency(limit = 1)
)]
pub async fn book_download(ctx: Ctx, event: BookWanted) -> Result<BookDownloaded> {
    let wanted = Wanted::of(&event).inspect_err(|error| {
        Note::of(COMPONENT, "book.download.failed").failed(&ctx, error);
    })?;
    ctx.step("otel-book-download-started", async |io| {
        Note::of(COMPONENT, "book.download.started")
            .with("query", &event.query)
            .with("md5", &event.md5)
            .done(&io);
        Ok(())
    })
    .await?;
    let settings = Settings::read(&ctx);
    let outcome = fetch(&ctx, &event, &wanted, &settings).await;
    if let Err(error) = &outcome {
        ctx.step("otel-book-download-failed", async |io| {
            Note::of(COMPONENT, "book.download.failed")
                .with("query", &event.query)
                .with("md5", &event.md5)
                .failed(&io, error);
            Ok(())
        })
        .await?;
    }
    outcome
}

/// What is wanted.
enum Wanted {
    /// Something to look for.
    Query(String),
    /// A book that is known.
    Md5(String),
}

impl Wanted {
    fn of(event: &BookWanted) -> Result<Self> {
        let invalid = |why: &str| Error::stop(why).named("Invalid");
        let text = |text: &Option<String>| {
            let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let plain = |form: &String| form.bytes().all(|b| b.is_ascii_alphanumeric());
        if !event.format.iter().all(plain) {
            return Err(invalid("a form is letters and digits"));
        }
        match (text(&event.md5).map(|md5| md5.to_lowercase()), text(&event.query)) {
            (Some(md5), _) if select::is_md5(&md5) => Ok(Self::Md5(md5)),
            (Some(_), _) => Err(invalid("`md5` is 32 hexadecimal digits")),
            (None, Some(query)) => Ok(Self::Query(query)),
            (None, None) => Err(invalid("a book needs `query` or `md5`")),
        }
    }
}

async fn fetch(
    ctx: &Ctx,
    event: &BookWanted,
    wanted: &Wanted,
    settings: &Settings,
) -> Result<BookDownloaded> {
    ctx.step("resolve-aa-book-binary", async |io| program::version(&io).await).await?;
    let folder = ctx.step("ensure-output-dir", async |io| program::output_folder(&io)).await?;
    // That it is there is all that a step may say of a secret.
    ctx.step("ensure-aa-secret", async |io| {
        outside::token(&io, &settings.secret)?;
        Ok(true)
    })
    .await?;
    note(ctx, "otel-aa-secret-ready", Note::of(COMPONENT, "book.secret.ready")).await?;

    let format = event.format.as_deref();
    let selected = match wanted {
        Wanted::Query(query) => {
            ctx.step("search-and-select-md5", async |io| {
                select::search(&io, query, format, settings).await
            })
            .await?
        }
        Wanted::Md5(md5) => {
            ctx.step("verify-provided-md5", async |io| select::provided(&io, md5, settings).await)
                .await?
        }
    };
    let said = Note::of(COMPONENT, "book.selection.completed").with("selected", &selected);
    note(ctx, "otel-selection-completed", said).await?;

    let fetched = ctx
        .step("download-book", async |io| {
            program::download(&io, &folder, &selected, settings).await
        })
        .await?;
    let book = ctx
        .step("convert-to-pdf", async |io| program::convert(&io, &folder, &fetched).await)
        .await?;
    let said = Note::of(COMPONENT, "book.download.fetched").with("book", &book);
    note(ctx, "otel-download-completed", said).await?;

    let titles = [event.title.clone().unwrap_or_default(), selected.title.clone()];
    let title = titles.into_iter().find(|title| !title.trim().is_empty());
    let title = title.unwrap_or_else(|| book.file.clone());
    let name = program::plain_name(&title, &selected.md5, &book.file);
    let backup = ctx
        .step("backup-to-nas", async |io| {
            program::backup(&io, &folder, &book.file, &name, settings).await
        })
        .await;
    let said = Note::of(COMPONENT, "book.backup");
    let (nas_path, backup_error) = match backup {
        Ok(path) => (Some(path), None),
        // The book is here: that it is not there too is told, and stops nothing.
        Err(error) => (None, Some(error.message().to_owned())),
    };
    let said = Note { error: backup_error.clone(), ..said.with("nasPath", &nas_path) };
    note(ctx, "otel-nas-backup", said).await?;

    let downloaded = BookDownloaded {
        md5: selected.md5,
        title: title.clone(),
        format: program::form(&book.file),
        path: format!("{}/{folder}/{}", settings.books, book.file),
        bytes: book.bytes,
        nas_path: nas_path.clone(),
        backup_error,
        reason: selected.reason,
    };
    let ingest = IngestRequested {
        path: downloaded.path.clone(),
        nas_path,
        title,
        tags: event.tags.clone(),
        source: "book-download".to_owned(),
    };
    ctx.send_all("emit-book-events", [Outgoing::of(&ingest), Outgoing::of(&downloaded)]).await?;
    let said = Note::of(COMPONENT, "book.ingest.queued").with("path", &ingest.path);
    note(ctx, "otel-ingest-queued", said).await?;
    ctx.step("notify-gateway", async |io| {
        Ok(Tell::notify("book.downloaded", json!(downloaded)).by(&io))
    })
    .await?;
    let said = Note::of(COMPONENT, "book.download.completed").with("md5", &downloaded.md5);
    note(ctx, "otel-book-download-completed", said).await?;
    Ok(downloaded)
}

/// A step that only records.
async fn note(ctx: &Ctx, id: &'static str, note: Note) -> Result<()> {
    ctx.step(id, async |io| {
        match note.error.clone() {
            Some(error) => note.warn().failed(&io, error),
            None => note.done(&io),
        }
        Ok(())
    })
    .await
}

component![book_download];

#[cfg(test)]
mod tests;
