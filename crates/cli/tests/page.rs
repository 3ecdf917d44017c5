//! The page of a recording in a real browser: it steps, searches, switches language and shows the next tenant.
//! Without Chromium these tests say so, loudly, and pass.

use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = "def test():\n    ins = object()\n    print(id(ins))\n\nkeep = []\nfor _ in range(5):\n    test()\nkeep.append([1, 2])\nclass B:\n    name = '</script><script>document.body.dataset.broken = 1</script>'\nb = B()\n";

fn browser() -> Option<&'static str> {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|b| Command::new(b).arg("--version").output().is_ok_and(|o| o.status.success()));
    if found.is_none() {
        eprintln!("\n*** THE PAGE WAS NOT TESTED: there is no Chromium on this machine ***\n");
    }
    found
}

fn folder(name: &str) -> PathBuf {
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&at).expect("a folder for the test");
    at
}

/// The page of the program, with a script at its end.
fn page(at: &Path, level: &str, script: &str) -> PathBuf {
    let program = at.join("blog <b>.py");
    std::fs::write(&program, PROGRAM).expect("the program is written");
    let retic = env!("CARGO_BIN_EXE_retic");
    let recording = at.join("blog.lens");
    assert!(Command::new(retic).args(["trace", level, "--quiet", "-o"]).arg(&recording).arg(&program).env("PYTHONHASHSEED", "0").output().expect("retic runs").status.success());
    assert!(Command::new(retic).args(["lens", "open", "-o"]).arg(at.join("blog.html")).arg(&recording).output().expect("retic runs").status.success());
    let text = std::fs::read_to_string(at.join("blog.html")).expect("the page is there");
    let tested = at.join("tested.html");
    std::fs::write(&tested, text.replace("</body>", &format!("<script>\n{script}\n</script></body>"))).expect("the page is written");
    tested
}

fn run(browser: &str, page: &Path, options: &[&str]) -> (String, String) {
    let out = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--enable-logging=stderr", "--window-size=1300,1000"])
        .args(options)
        .arg(format!("file://{}", page.display()).replace(' ', "%20"))
        .output()
        .expect("the browser runs");
    (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
}

/// Waits for the page, then runs steps; each `check(name, truth)` that fails is told in the document.
const HARNESS: &str = "
const failed = [];
const check = (name, truth) => { if (!truth) failed.push(name); };
const key = (k) => document.dispatchEvent(new KeyboardEvent('keydown', { key: k, bubbles: true }));
const text = (id) => document.getElementById(id).textContent;
const find = (q) => { document.getElementById('query').value = q; document.getElementById('find').requestSubmit(); };
const wait = setInterval(() => {
  if (!document.body.dataset.ready) return;
  clearInterval(wait);
  try { STEPS } catch (e) { failed.push(String(e)); }
  document.body.dataset.result = failed.length ? 'failed: ' + failed.join('; ') : 'all well';
}, 20);";

#[test]
fn it_steps_searches_and_speaks_two_languages() {
    let Some(browser) = browser() else { return };
    let at = folder("steps");
    let steps = "
      check('the title is text', document.querySelector('h1').textContent === 'blog <b>.py');
      check('nothing was injected', !document.body.dataset.broken && !document.querySelector('h1 b'));
      check('it begins with the object that was printed', /birth of object #\\d+/.test(text('said')));
      const first = text('said'), where = text('where');
      key('j'); check('j goes on', text('where') !== where);
      key('k'); check('k goes back', text('said') === first);
      const object = () => document.querySelector('#card strong').textContent;
      const one = object(), address = document.querySelector('#card dd').textContent;
      key(']'); check('the next tenant is another object', object() !== one && /^object #/.test(object()));
      check('at the same address', document.querySelector('#card dd').textContent === address);
      key('['); check('and back', object() === one);
      key('n'); check('n goes to its death', /death of object/.test(text('said')) && /test returned and let ins go/.test(text('said')));
      document.querySelector('#lang [data-lang=zh]').click();
      check('Chinese', document.documentElement.lang === 'zh' && /源代码/.test(text('sourceBox')) && /test 返回,ins 被释放/.test(text('card')) && /这不是同一个对象/.test(text('answer')));
      document.querySelector('#lang [data-lang=en]').click();
      check('English again', /It is not the same object/.test(text('answer')));
      find('list'); check('search by type', /^list #/.test(object()));
      check('who holds it', document.querySelectorAll('#graph svg rect').length > 1);
      find(one.split(' ')[1]); check('search by number', object() === one);
      find('ins'); check('search by variable', object() === one);
      find(':8'); check('search by line', document.querySelector('#source tr.here').dataset.line === '8');
      document.querySelector('#output button').click(); check('output is a way to the object', /^object #/.test(object()));
      check('bytecode', /CALL_FUNCTION 0/.test(text('code')));
      check('every button has a name', [...document.querySelectorAll('button')].every((b) => (b.getAttribute('aria-label') || b.textContent).trim()));
      key('?'); check('help', document.getElementById('keys').open);
    ";
    let tested = page(&at, "--lives", &HARNESS.replace("STEPS", steps));
    let (dom, log) = run(browser, &tested, &["--dump-dom"]);
    let result = dom.split("data-result=\"").nth(1).and_then(|r| r.split('"').next()).unwrap_or("the page did not become ready");
    assert_eq!(result, "all well");
    let console: Vec<&str> = log.lines().filter(|l| l.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
    let _ = std::fs::remove_dir_all(at);
}

#[test]
fn a_recording_of_steps_is_walked_by_instruction() {
    let Some(browser) = browser() else { return };
    let at = folder("instructions");
    let steps = "
      check('the frame is shown', !document.getElementById('frameBox').hidden);
      find('ins');
      check('its counts', /count1 2 1 0/.test(text('card')));
      const rows = () => [...document.querySelectorAll('#frame tbody tr')].map((r) => [...r.cells].map((c) => c.textContent));
      const op = () => (document.querySelector('#code tr.here') || document.body).cells[2].textContent;
      check('born by the call', op() === 'CALL_FUNCTION 0' && rows().length === 0);
      key('j');
      check('then the next line runs', /runs LOAD_GLOBAL print/.test(text('said')) && op() === 'LOAD_GLOBAL print');
      check('the local holds it', rows().length === 1 && rows()[0][0] === 'ins' && /^object #/.test(rows()[0][1]) && rows()[0][2] === '1');
      key('j'); key('j');
      check('the stack is shown', rows().length === 3 && rows()[1][0] === 'stack 1' && rows()[1][1] === 'builtin_function_or_method');
      const before = text('where'); key('k'); key('j'); check('back and forth', text('where') === before);
      document.querySelector('#lang [data-lang=zh]').click(); check('Chinese', /值栈/.test(text('frameBox')));
    ";
    let tested = page(&at, "--steps", &HARNESS.replace("STEPS", steps));
    let (dom, log) = run(browser, &tested, &["--dump-dom"]);
    let result = dom.split("data-result=\"").nth(1).and_then(|r| r.split('"').next()).unwrap_or("the page did not become ready");
    assert_eq!(result, "all well");
    assert!(!log.contains("CONSOLE"), "{log}");
    let _ = std::fs::remove_dir_all(at);
}

#[test]
fn it_asks_the_network_for_nothing() {
    let at = folder("network");
    let text = std::fs::read_to_string(page(&at, "--steps", "")).expect("the page is there");
    for word in ["http://", "https://", "src=", "@import", "fetch("] {
        let found = text.replace("http://www.w3.org/2000/svg", "").contains(word);
        assert!(!found, "the page has {word}");
    }
    let _ = std::fs::remove_dir_all(at);
}
