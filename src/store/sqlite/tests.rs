use std::path::PathBuf;

use tempfile::TempDir;

use super::migrate::{MIGRATIONS, backup_path, to_newest};
use super::*;
use crate::model::{RunNo, Time};
use crate::store::record::Record;
use crate::store::{is_full, sample};

const KEEP: Keep = Keep { events: 50_000, bytes: 1 << 30 };

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quarterdeck.db");
    (dir, path)
}

fn append(title: &str) -> Write {
    let records = vec![Record::new(sample::step(1, 1, title)).unwrap()];
    Write::Append { records, idem: None }
}

fn write(journal: &mut Journal, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let outcomes = journal.stage(writes.iter(), Time(1))?;
    journal.commit().map(|()| outcomes)
}

fn refused(path: &Path) -> Failure {
    let before = (std::fs::read(path).unwrap(), std::fs::metadata(path).unwrap().modified().unwrap());
    let failure = Journal::open(path, KEEP).err().unwrap();
    let after = (std::fs::read(path).unwrap(), std::fs::metadata(path).unwrap().modified().unwrap());
    assert!(before == after, "the file was touched");
    assert!(!failure.next.is_empty() && failure.at.contains("quarterdeck.db"), "{failure}");
    failure
}

#[test]
fn a_newer_store_is_refused_and_left_as_it_is() {
    let (_dir, path) = place();
    drop(Journal::open(&path, KEEP).unwrap());
    let db = Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 7).unwrap();
    drop(db);
    let failure = refused(&path);
    assert!(failure.got.contains("schema 7"), "{failure}");
}

#[test]
fn a_newer_version_that_is_only_in_the_log_is_seen_too() {
    let (dir, path) = place();
    drop(Journal::open(&path, KEEP).unwrap());
    let db = Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 7).unwrap();
    // A crash: the main file and the log are as they are at this moment.
    let crashed = dir.path().join("crashed");
    std::fs::create_dir(&crashed).unwrap();
    for name in ["quarterdeck.db", "quarterdeck.db-wal"] {
        std::fs::copy(dir.path().join(name), crashed.join(name)).unwrap();
    }
    let path = crashed.join("quarterdeck.db");
    assert!(look_at_header(&path).is_ok());
    let failure = refused(&path);
    assert!(failure.got.contains("schema 7"), "{failure}");
}

#[test]
fn what_is_not_ours_is_refused() {
    let (_dir, path) = place();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE photos(id)").unwrap();
    assert!(refused(&path).got.contains("another program"));
    Connection::open(&path).unwrap().pragma_update(None, "application_id", 99).unwrap();
    assert!(refused(&path).got.contains("another program"));
}

#[test]
fn a_damaged_file_says_what_to_do() {
    let (_dir, path) = place();
    std::fs::write(&path, "this is a text, and no store").unwrap();
    assert!(refused(&path).got.contains("damaged"));

    std::fs::remove_file(&path).unwrap();
    let mut journal = Journal::open(&path, KEEP).unwrap();
    let many: Vec<Write> = (0..300).map(|i| append(&i.to_string())).collect();
    write(&mut journal, &many).unwrap();
    drop(journal);
    let whole = std::fs::read(&path).unwrap();

    std::fs::write(&path, &whole[..60]).unwrap();
    assert!(refused(&path).got.contains("damaged"));

    let mut holed = whole.clone();
    holed[4096..].fill(0xa5);
    std::fs::write(&path, &holed).unwrap();
    assert!(Journal::open(&path, KEEP).err().unwrap().got.contains("damaged"));

    // Damage that opening does not meet is met, and said, by whoever reads it.
    let mut content = whole;
    while let Some(at) = content.windows(10).position(|w| w == br#""title":"5"#) {
        content[at..at + 10].copy_from_slice(b"\"title\":{{");
    }
    std::fs::write(&path, content).unwrap();
    drop(Journal::open(&path, KEEP).unwrap());
    let failure = Reader::new(&path).events_since(0, 5000).err().unwrap();
    assert!(failure.got.contains("damaged") && failure.next.contains("recover"), "{failure}");
}

#[test]
fn a_migration_copies_the_file_first_and_is_done_once() {
    let (_dir, path) = place();
    let mut journal = Journal::open(&path, KEEP).unwrap();
    write(&mut journal, &[append("before")]).unwrap();
    drop(journal);
    let next = [MIGRATIONS, &["ALTER TABLE run ADD COLUMN colour TEXT; CREATE TABLE later(id INTEGER) STRICT;"]].concat();
    let newest = next.len();
    for _ in 0..2 {
        let mut db = Connection::open(&path).unwrap();
        to_newest(&mut db, &path, &next).map_err(|e| e.into_failure(&path)).unwrap();
        let version: usize = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, newest);
        db.execute("INSERT INTO later(id) VALUES (1)", []).unwrap();
    }
    let copy = backup_path(&path, MIGRATIONS.len());
    let reader = Reader::new(&copy);
    assert_eq!(reader.steps(RunNo(1)).unwrap()[0].title, "before");
    let copied = Connection::open(&copy).unwrap();
    let tables: u32 = copied.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'later'", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 0);
    drop(copied);
    assert!(refused(&path).got.contains("newer quarterdeck"));
}

#[test]
fn a_migration_that_fails_leaves_the_old_schema() {
    let (_dir, path) = place();
    drop(Journal::open(&path, KEEP).unwrap());
    let wrong = [MIGRATIONS, &["CREATE TABLE half(id); INSERT INTO nowhere VALUES (1);"]].concat();
    let mut db = Connection::open(&path).unwrap();
    assert!(to_newest(&mut db, &path, &wrong).is_err());
    drop(db);
    let journal = Journal::open(&path, KEEP).unwrap();
    assert!(journal.db_objects().iter().all(|name| name != "half"));
}

#[test]
fn a_disk_that_is_really_full_leaves_nothing_half_written() {
    let (_dir, path) = place();
    let mut journal = Journal::open(&path, KEEP).unwrap();
    write(&mut journal, &[append("first")]).unwrap();
    journal.limit_pages(10);
    let heavy = "x".repeat(40_000);
    let failure = write(&mut journal, &[append("small"), append(&heavy), append(&heavy), append(&heavy)]).err().unwrap();
    assert!(is_full(&failure), "{failure}");
    assert_eq!(journal.last(), 1);
    let reader = Reader::new(&path);
    assert_eq!(reader.steps(RunNo(1)).unwrap()[0].title, "first");

    journal.limit_pages(1_000_000);
    let outcomes = write(&mut journal, &[append("second")]).unwrap();
    assert_eq!(outcomes, [Outcome::Written { first: 2 }]);
    assert_eq!(reader.steps(RunNo(1)).unwrap()[0].title, "second");
}
