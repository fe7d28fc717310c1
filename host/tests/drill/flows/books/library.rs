//! Where books are: programs, an archive with their pages, a model that chooses, and the NAS.

use serde_json::{Value, json};

use crate::flows::nas::Nas;
use crate::flows::programs::Programs;
use crate::flows::site::{Answer, Asked, Site};
use crate::flows::stage::Stage;

/// What the program needs to reach the archive.
pub(super) const KEY: &str = "aa-key-4f1d9b2c77";
/// What the model wants to see.
pub(super) const MODEL_KEY: &str = "model-key-90aa3321cd";

/// What the real one does, by the words that are looked for and the ending that is hidden in the digest.
const AA_BOOK: &str = r#"
PRESENT=${AA_SECRET_KEY:-none}
printf '%s %s\n' "$1" "$PRESENT" >> "@KEYS@"
for last in "$@"; do :; done
again() {
    [ -e "@SEEN@-$1" ] && return 0
    : > "@SEEN@-$1"
    return 1
}
case "$1" in
--version) echo 'aa-book 1.2.3' ;;
search)
    case "$last" in
    nothing*) echo '[]' ;;
    noise*) echo 'the archive is busy' ;;
    flaky*) again flaky || { echo 'timed out' >&2; exit 7; }; cat "@LISTS@/tea.json" ;;
    lost*) cat "@LISTS@/lost.json" ;;
    pageless*) cat "@LISTS@/pageless.json" ;;
    *) cat "@LISTS@/tea.json" ;;
    esac ;;
download)
    case "$last" in
    *111111) echo 'the mirror is gone' >&2; exit 3 ;;
    *222222) echo half > book.pdf.part ;;
    *333333) again download || { echo half > book.pdf.part; exit 4; }; echo whole > book.pdf ;;
    *e9b*) echo "the book $last" > book.epub; echo junk > .book.epub.swp ;;
    *) echo "the book $last" > book.pdf ;;
    esac ;;
esac
"#;

const CONVERT: &str = r#"
if grep -q 5555 "$1"; then echo 'no pages' >&2; exit 1; fi
cat "$1" > "$2"
echo 'as PDF' >> "$2"
"#;

/// All of it.
pub(crate) struct Library {
    pub(super) nas: Nas,
    pub(super) programs: Programs,
    archive: Site,
    model: Site,
    keys: std::path::PathBuf,
}

/// The digest of a book: the program leaves this form.
pub(super) fn md5(letter: char, form: &str) -> String {
    let ending = if form == "epub" { "e9b" } else { "0d0" };
    format!("{}{ending}{}", letter.to_string().repeat(25), "abcd")
}

fn book(letter: char, form: &str, title: &str) -> Value {
    json!({
        "md5": md5(letter, form),
        "title": title,
        "author": "A. Leaf",
        "format": form,
        "language": "en",
        "size": "2 MB",
    })
}

impl Library {
    pub(super) fn on(stage: &mut Stage) -> Self {
        let nas = Nas::on(stage);
        let lists = stage.folder("book-lists");
        let keys = stage.folder("book-keys").join("seen");
        let write = |name: &str, list: &Value| {
            std::fs::write(lists.join(name), list.to_string()).expect("written");
        };
        let no_book = json!({"md5": "../../etc/passwd", "title": "no book"});
        let (tea, handbook) = (book('a', "pdf", "On Tea"), book('b', "epub", "Tea: a Handbook"));
        write("tea.json", &json!([no_book, tea, handbook]));
        let lost = ['d', 'e', 'f'].map(|letter| book(letter, "pdf", "Lost Tea"));
        write("lost.json", &json!(lost));
        let pageless = ['d', 'e'].map(|letter| book(letter, "pdf", "Lost Tea"));
        write("pageless.json", &json!(pageless));
        let script = AA_BOOK
            .replace("@KEYS@", &keys.display().to_string())
            .replace("@SEEN@", &stage.folder("book-seen").join("once").display().to_string())
            .replace("@LISTS@", &lists.display().to_string());
        stage.program("aa-book", &script);
        stage.program("ebook-convert", CONVERT);
        let (archive, model) = (stage.site(page), stage.site(choice));
        stage.secret("annas_archive_key", KEY);
        stage.secret("book_model", MODEL_KEY);
        let books = stage.root("books");
        let (books, at, asked) = (books.display(), archive.origin(), model.origin());
        stage.grant(&format!(
            r#"[[inference.providers]]
kind = "openai"
url = "{asked}/v1"
model = "librarian"
secret = "book_model"
tasks = ["book-selection"]

[components.book-download]
fs = [{{ root = "books", access = "read-write", bytes = "20GiB" }}]
http = [{{ to = "{at}/md5/*", methods = ["GET"], answer = "4MiB", private = true }}]
inference = {{}}
secrets = [{{ name = "annas_archive_key", to = ["program:aa-book"], in = ["variable"] }}]
shell = [
  {{ program = "aa-book", arguments = ["--version"] }},
  {{ program = "aa-book", arguments = ["search", "--json", "--format", "*", "--", "*"], variables = ["AA_SECRET_KEY"] }},
  {{ program = "aa-book", arguments = ["search", "--json", "--", "*"], variables = ["AA_SECRET_KEY"] }},
  {{ program = "aa-book", arguments = ["download", "--output", ".", "*"], variables = ["AA_SECRET_KEY"] }},
  {{ program = "ebook-convert", arguments = ["*", "*"], memory = "4GiB" }},
  {{ program = "ssh", arguments = ["-o", "BatchMode=yes", "*", "mkdir", "-p", "*"], within = "1m" }},
  {{ program = "scp", arguments = ["-q", "-o", "BatchMode=yes", "*", "*"] }},
]
[components.book-download.config]
BOOK_DOWNLOAD_DIR = "{books}"
BOOK_ARCHIVE_URL = "{at}/"
"#
        ));
        Self { nas, programs: stage.programs(), archive, model, keys }
    }

    /// How the program was called with this last word.
    pub(super) fn asked(&self, word: &str) -> Vec<Vec<String>> {
        let calls = self.programs.calls("aa-book").into_iter();
        calls.filter(|call| call.last().is_some_and(|last| last == word)).collect()
    }

    /// How often the page of a book was looked at.
    pub(super) fn looks(&self, md5: &str) -> usize {
        let asked = self.archive.asked_at(&format!("/md5/{md5}"));
        assert!(asked.iter().all(|asked| asked.method == "GET" && asked.body.is_empty()));
        asked.len()
    }

    /// What the model was asked about a search, as JSON.
    #[track_caller]
    pub(super) fn question(&self, query: &str) -> String {
        let all = self.model.asked_at("/v1/chat/completions");
        let own: Vec<_> = all.iter().filter(|asked| asked.body.contains(query)).collect();
        assert_eq!(own.len(), 1, "{query}: {all:?}");
        assert_eq!(own[0].header("authorization"), format!("Bearer {MODEL_KEY}"));
        assert_eq!(own[0].json()["model"], "librarian");
        own[0].body.clone()
    }

    /// Which commands of the program had which key.
    pub(super) fn keys(&self) -> Vec<(String, String)> {
        let seen = std::fs::read_to_string(&self.keys).unwrap_or_default();
        let pair = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
        seen.lines().filter_map(pair).collect()
    }
}

/// The pages of the archive: those of two books are gone.
fn page(asked: &Asked) -> Answer {
    let md5 = asked.path.strip_prefix("/md5/").unwrap_or_default();
    let gone = md5.starts_with(['d', 'e']) || md5.len() != 32;
    Answer::text(if gone { 404 } else { 200 }, "text/html", "<h1>a book</h1>")
}

/// The model: it is right, it dreams, or it is away.
fn choice(asked: &Asked) -> Answer {
    let dreams = json!({"md5": "9".repeat(32), "reason": "it is the best"});
    let right = json!({"md5": md5('b', "epub"), "reason": "it is the handbook"});
    if asked.body.contains("without a model") {
        return Answer::text(503, "text/plain", "overloaded");
    }
    let choice = if asked.body.contains("handbook of tea") { right } else { dreams };
    let message = json!({"role": "assistant", "content": choice.to_string()});
    let body = json!({"model": "librarian", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    Answer::json(200, &body)
}
