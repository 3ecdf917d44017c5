//! `_retic`: what `import retic` is made of.

use crate::cx::{Cx, PyResult};
use crate::lens::{self, Answer, LifeTold, Place, Question, Wanted};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::{Str, module};
use retic_events::Level;

#[retic_macros::methods]
mod functions {
    //! The living seen from inside: counts and holders.
    use super::*;

    /// Return a list of (owner, words) for every reference to 'object' that can be walked to.
    ///
    /// Variables of frames and of modules have no owner: it is None.
    #[py("holders(object, /)")]
    pub fn holders(cx: &mut Cx, object: &Obj) -> PyResult {
        let found = lens::holders(cx, object)?;
        list_of(cx, found)
    }
    /// Return the same for the shortest way from 'object' to a variable, nearest first.
    #[py("chain(object, /)")]
    pub fn chain(cx: &mut Cx, object: &Obj) -> PyResult {
        let found = lens::chain(cx, object)?;
        list_of(cx, found)
    }
    /// Return the number of instructions carried out under the lens.
    #[py("steps()")]
    pub fn steps(cx: &mut Cx) -> i64 {
        cx.lens.steps() as i64
    }
    /// Begin to record this program and return the recording's number.
    ///
    /// 'level' is "counts", "lives", "refs" or "steps"; 'path' a file or None; 'mine' the folders of the user's files.
    #[py("begin(level, path, mine, /)")]
    pub fn begin(cx: &mut Cx, level: &Ref<Str>, path: &Obj, mine: &Obj) -> PyResult<usize> {
        let level = match &*level.to_text(cx) {
            "counts" => Level::Counts,
            "lives" => Level::Lives,
            "refs" => Level::Refs,
            "steps" => Level::Steps,
            other => return Err(cx.value_error(format!("level must be 'counts', 'lives', 'refs' or 'steps', not '{other}'"))),
        };
        let path = path.cast::<Str>().map(|s| s.to_text(cx));
        let mine = texts(cx, mine)?;
        cx.begin_inside(path.as_deref(), &mine, Wanted { level, ..Wanted::default() })
    }
    /// End the recording that begin() began.
    #[py("end()")]
    pub fn end(cx: &mut Cx) -> PyResult<()> {
        cx.end_inside()
    }
    /// Return the lives of a recording, of a type by name or of all (None).
    #[py("lives(number, name, /)")]
    pub fn lives(cx: &mut Cx, number: usize, name: &Obj) -> PyResult {
        let name = name.cast::<Str>().map(|s| s.to_text(cx));
        asked(cx, number, Question::Lives(name))
    }
    /// Return the lives that had an address in turn.
    #[py("tenants(number, address, /)")]
    pub fn tenants(cx: &mut Cx, number: usize, address: usize) -> PyResult {
        asked(cx, number, Question::Tenants(address as u64))
    }
    /// Return the answer of `retic why WORDS`, or the report.
    #[py("answer(number, words, lang, width, /)")]
    pub fn answer(cx: &mut Cx, number: usize, words: &Obj, lang: &Ref<Str>, width: usize) -> PyResult {
        let words = texts(cx, words)?;
        let lang = lang.to_text(cx);
        asked(cx, number, Question::Words { words, lang, width })
    }
    /// Give a recording up.
    #[py("forget(number, /)")]
    pub fn forget(cx: &mut Cx, number: usize) {
        if let Some(face) = &mut cx.recordings {
            face.forget(number);
        }
    }
    /// Make a class of the library what it is in CPython, a class of the machine: neither it nor (with BASE false) a subclass can be
    /// made to do otherwise, and the names in its instances are no dict of theirs. One whose `__module__` is None has no such
    /// attribute: it counts among the built-in ones.
    #[py("seal(cls, base, /)")]
    pub fn seal(cx: &mut Cx, cls: &Ref<crate::types::Type>, base: bool) -> PyResult<()> {
        use crate::types::flags;
        let (dict, key, module) = (cls.dict.cloned(cx).expect("a type has a dict"), cx.name("__dict__"), cx.name("__module__"));
        let built_in = dict.get_str(cx, &module).is_some_and(|m| m.is_none());
        for key in std::iter::once(key).chain(Some(module).filter(|_| built_in)) {
            if let Some(old) = dict.remove(cx, key.as_obj())? {
                cx.release(old);
            }
        }
        let now = cls.flags.get() | flags::IMMUTABLE;
        cls.flags.set(if base { now } else { now & !flags::BASE });
        cls.modified(cx);
        Ok(())
    }
    /// Return whether a recording is under way.
    #[py("is_recording()")]
    pub fn is_recording(cx: &mut Cx) -> bool {
        cx.lens.is_recording()
    }
}

fn texts(cx: &mut Cx, list: &Obj) -> PyResult<Vec<String>> {
    let items = protocol::collect(cx, list)?;
    let mut out = Vec::new();
    for i in items {
        let Some(s) = i.cast::<Str>() else { return Err(cx.type_error("texts are expected")) };
        out.push(s.to_text(cx));
        cx.release(i);
    }
    Ok(out)
}

fn asked(cx: &mut Cx, number: usize, question: Question) -> PyResult {
    match cx.ask_recording(number, question)? {
        Answer::Text(text) => cx.str(&text),
        Answer::Lives(lives) => {
            let mut out = Vec::new();
            for l in lives {
                cx.poll_native()?;
                out.push(life(cx, l)?);
            }
            cx.list(out)
        }
    }
}

/// (serial, type, address, size, tenant, born, died, cause): places as (step, file, line, op, by); died and cause may be None.
fn life(cx: &mut Cx, l: LifeTold) -> PyResult {
    let (died, cause) = match l.died {
        Some((at, cause)) => (place(cx, at)?, cx.str(&cause)?),
        None => (cx.none(), cx.none()),
    };
    let row =
        vec![cx.int(l.serial as i64)?, cx.str(&l.type_name)?, cx.int(l.address as i64)?, cx.int(l.size as i64)?, cx.int(i64::from(l.tenant))?, place(cx, l.born)?, died, cause];
    cx.tuple(row)
}

fn place(cx: &mut Cx, p: Place) -> PyResult {
    let row = vec![cx.int(p.step as i64)?, cx.str(&p.file)?, cx.int(i64::from(p.line))?, cx.str(&p.op)?, cx.str(&p.by)?];
    cx.tuple(row)
}

fn list_of(cx: &mut Cx, found: Vec<(Option<Obj>, String)>) -> PyResult {
    let mut out = Vec::new();
    for (owner, words) in found {
        let owner = owner.unwrap_or_else(|| cx.none());
        let words = cx.str(&words)?;
        out.push(cx.tuple_of([owner, words])?);
    }
    cx.list(out)
}

/// Makes the module.
pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_retic", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
