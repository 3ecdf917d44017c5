//! The texts of `--help` and its kin.

/// The first line, also of complaints.
pub const SUMMARY: &str = "usage: retic [option] ... [-c cmd | -m mod | file | -] [arg] ...";

/// `-h`.
pub const OPTIONS: &str = "\
Options (and corresponding environment variables):
-b     : warn of bytes that are made to text or compared with it; -bb: refuse it
-B     : don't write .pyc files; also PYTHONDONTWRITEBYTECODE=x
-c cmd : program passed in as string (terminates option list)
-d     : set sys.flags.debug; also PYTHONDEBUG=x
-E     : ignore PYTHON* environment variables (such as PYTHONPATH)
-h     : print this help message and exit (also -? or --help)
-i     : a session follows the program; also PYTHONINSPECT=x
-I     : isolate: neither the script's folder nor PYTHONPATH nor the user's folder (implies -E, -P and -s)
-m mod : run a library module as a script (terminates option list);
         -m dis FILE prints the bytecode of a file as CPython 3.9 does
-O     : remove assert statements; also PYTHONOPTIMIZE=x
-OO    : and docstrings
-P     : don't put the script's folder on sys.path; also PYTHONSAFEPATH=x
-q     : no words before the first prompt
-R     : hashes of texts differ from run to run, whatever PYTHONHASHSEED says
-s     : don't add the user's folder of packages to sys.path; also PYTHONNOUSERSITE=x
-S     : don't import site: neither exit nor quit, help, copyright, credits, license
-u     : write standard output and errors at once; also PYTHONUNBUFFERED=x
-v     : set sys.flags.verbose; also PYTHONVERBOSE=x
-V     : print the Python version number and exit (also --version); -VV: and what it was built by
-W arg : warning control; arg is action:message:category:module:lineno; also PYTHONWARNINGS=arg
-x     : skip the first line of the file
-X opt : set an option of the implementation
--check-hash-based-pycs always|default|never:
         whether .pyc files with the hash of their source are checked against it
--help-env: print help about environment variables and exit
--help-xoptions: print help about -X options and exit
--help-all: print all of this and exit
--licenses: print every licence that ships, and exit

Arguments:
file   : program read from script file
-      : program read from stdin (default; interactive mode if a tty)
arg ...: arguments passed to program in sys.argv[1:]
";

/// `--help-env`.
pub const ENVIRONMENT: &str = "\
Environment variables that change behavior:
PYTHONSTARTUP   : file executed on interactive startup (no default)
PYTHONPATH      : ':'-separated list of folders that come first in sys.path
PYTHONHOME      : PREFIX or PREFIX:EXEC_PREFIX; modules of PREFIX/lib/python3.14 come
                  before those of the library in the binary
PYTHONIOENCODING: encoding[:errors] used for stdin/stdout/stderr
PYTHONHASHSEED  : an integer in the range [0,4294967295] that the hashes of str and
                  bytes start from, or \"random\"
PYTHONBREAKPOINT: the function that breakpoint() calls, as module.function; 0: none
PYTHONUSERBASE  : the folder of the user's packages

These variables have equivalent command-line options (see --help for details):
PYTHON_CONTEXT_AWARE_WARNINGS: filters of warnings follow the context
                          (-X context_aware_warnings)
PYTHON_THREAD_INHERIT_CONTEXT: threads begin with a copy of the context
                          (-X thread_inherit_context)
PYTHON_CPU_COUNT: override the return value of os.cpu_count() (-X cpu_count)
PYTHONDEBUG             : set sys.flags.debug (-d)
PYTHONDEVMODE           : enable the Python Development Mode (-X dev)
PYTHONDONTWRITEBYTECODE : don't write .pyc files (-B)
PYTHONINSPECT           : a session follows the program (-i)
PYTHONINTMAXSTRDIGITS   : limit the digits of conversions between int and str
                          (-X int_max_str_digits=N)
PYTHONNODEBUGRANGES     : no columns in code objects (-X no_debug_ranges)
PYTHONNOUSERSITE        : don't add the user's folder of packages to sys.path (-s)
PYTHONOPTIMIZE          : remove assert statements (-O)
PYTHONPROFILEIMPORTTIME : show how long each import takes (-X importtime)
PYTHONPYCACHEPREFIX     : the tree where .pyc files are (-X pycache_prefix)
PYTHONSAFEPATH          : don't put the script's folder on sys.path (-P)
PYTHONTRACEMALLOC       : trace where memory was taken (-X tracemalloc)
PYTHONUNBUFFERED        : write standard output and errors at once (-u)
PYTHONUTF8              : control sys.flags.utf8_mode (-X utf8)
PYTHONVERBOSE           : set sys.flags.verbose (-v)
PYTHONWARNDEFAULTENCODING: warn of encodings that are not given (-X warn_default_encoding)
PYTHONWARNINGS          : warning control (-W)
";

/// `--help-xoptions`.
pub const X_OPTIONS: &str = "\
The following implementation-specific options are available:
-X context_aware_warnings=[0|1]: filters of warnings follow the context;
         also PYTHON_CONTEXT_AWARE_WARNINGS
-X cpu_count=N: override the return value of os.cpu_count();
         -X cpu_count=default cancels overriding; also PYTHON_CPU_COUNT
-X dev : enable the Python Development Mode; also PYTHONDEVMODE
-X importtime: show how long each import takes; also PYTHONPROFILEIMPORTTIME
-X int_max_str_digits=N: limit the digits of conversions between int and str;
         0 takes the limit off; also PYTHONINTMAXSTRDIGITS
-X no_debug_ranges: no columns in code objects, and no carets in tracebacks;
         also PYTHONNODEBUGRANGES
-X pycache_prefix=PATH: write .pyc files to a tree of their own;
         also PYTHONPYCACHEPREFIX
-X thread_inherit_context=[0|1]: threads begin with a copy of the context of who
         starts them; also PYTHON_THREAD_INHERIT_CONTEXT
-X tracemalloc[=N]: trace where memory was taken, with N lines of each traceback;
         also PYTHONTRACEMALLOC
-X utf8[=0|1]: set sys.flags.utf8_mode; also PYTHONUTF8
-X warn_default_encoding: warn of encodings that are not given;
         also PYTHONWARNDEFAULTENCODING
Others are shown in sys._xoptions.
";

/// What is printed after a complaint about the command line.
pub const AFTER_COMPLAINT: &str = "Try `retic -h' for more information.";
