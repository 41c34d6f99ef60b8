"""Programs that use libtidemark, compiled as an application's author would."""
import os
import subprocess

from support.daemon import BUILD, ROOT

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g"]


def compile_program(folder, name, sources, static=False, models=None):
    """Compiles and links against the library as built; the program's path."""
    path = os.path.join(folder, name)
    library = ([os.path.join(BUILD, "libtidemark.a"), "-lsqlite3", "-lm"] if static else
               [f"-L{BUILD}", "-ltidemark", f"-Wl,-rpath,{BUILD}"])
    run(["gcc", *FLAGS, f"-I{ROOT}/lib", *([f"-I{models}"] if models else []), "-o", path, *sources,
         *library, "-ljansson"])
    return path


def check_as_cpp(source, models):
    """The source compiles as C++ too."""
    run(["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/lib", f"-I{models}", "-x", "c++",
         "-fsyntax-only", source])


def run(command, **more):
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
    return result.stdout


class Conversation:
    """A program that is talked to over its stdin and stdout, line by line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def read(self, count=1):
        return [self.process.stdout.readline().rstrip("\n") for _ in range(count)]

    def say(self, line, answers=1):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read(answers)

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.process.stdout.close()
