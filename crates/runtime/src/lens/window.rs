//! From which line to which line is recorded.

use super::naming::Names;
use super::recorder::Recorder;
use crate::cx::Cx;
use crate::eval::Frame;
use std::ptr::null_mut;

/// Lines of the first of the user's files that runs. The recording begins when the first of them is reached, and ends for
/// good when the last of them has run once.
pub struct Window {
    from: u32,
    to: u32,
    file: Option<Box<str>>,
    /// The frame that came to the last line.
    there: *mut Frame,
}

impl Window {
    /// From a line (0: the first instruction) to a line (0: the end).
    pub fn new(from: u32, to: u32) -> Window {
        Window { from, to, file: None, there: null_mut() }
    }
    /// Whether it begins with something else than the program.
    pub fn waits(&self) -> bool {
        self.from != 0
    }
}

impl Recorder {
    /// The line of the window's file that runs; 0: another file's.
    fn line_in_window(&mut self, cx: &Cx) -> u32 {
        let Some(frame) = cx.stacks.current() else { return 0 };
        let code = self.code_of(cx, frame);
        if !self.names.is_mine(code) {
            return 0;
        }
        let file = frame.function().code.get(cx).code().filename.clone();
        let Some(window) = &mut self.window else { return 0 };
        let known = window.file.get_or_insert_with(|| (*file).into());
        if **known == *file { Names::line_of(cx, frame) } else { 0 }
    }
    /// Whether the window's first line is reached.
    pub fn window_opens(&mut self, cx: &Cx) -> bool {
        let line = self.line_in_window(cx);
        self.window.as_ref().is_none_or(|w| w.from == line)
    }
    /// Whether the window's last line has run.
    pub fn window_closes(&mut self, cx: &Cx) -> bool {
        if self.window.as_ref().is_none_or(|w| w.to == 0) {
            return false;
        }
        let line = self.line_in_window(cx);
        let top = cx.stacks.top;
        let Some(window) = &mut self.window else { return false };
        if window.there.is_null() {
            if line == window.to {
                window.there = top;
            }
            return false;
        }
        top < window.there || top == window.there && line != window.to
    }
}
