package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// lookGo returns an error that says what to do if no go command is on PATH.
func lookGo() error {
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New(`the engine does not have it, and there is no Go toolchain on PATH to compile it: ` +
			`install Go (https://go.dev/dl), or build it with "docker compose build"`)
	}
	return nil
}

// goVersion returns the version of the Go toolchain that compiles the module
// in dir, which need not be the one on PATH ("go help toolchain").
func goVersion(ctx context.Context, dir string) (string, error) {
	output, err := runGo(ctx, dir, nil, "env", "GOVERSION")
	return strings.TrimSpace(string(output)), err
}

// compile builds the programs among the nodes of the module in dir for Linux on
// arch, below out, and returns the directory that holds them and nothing else.
func compile(ctx context.Context, dir, out, arch string) (string, error) {
	// GOTMPDIR: what a killed compiler leaves goes with out.
	scratch := filepath.Join(out, "tmp")
	if err := os.Mkdir(scratch, 0o700); err != nil {
		return "", fmt.Errorf("make a directory to compile in: %w", err)
	}
	env := append(buildEnv(), "GOOS=linux", "GOARCH="+arch, "GOEXPERIMENT=", "GOTMPDIR="+scratch)
	programs := filepath.Join(out, binDirectory)
	args := append([]string{"build"}, buildFlags()...)
	args = append(args, "-o", programs+string(filepath.Separator), nodesPattern)
	if _, err := runGo(ctx, dir, env, args...); err != nil {
		return "", fmt.Errorf("compile the nodes in %s: %w", dir, err)
	}
	return programs, nil
}

// runGo runs the go command in dir and returns what it printed to stdout; what it
// printed to stderr is in the error. The caller's workspace and flags do
// not hold: dir may belong to another module than the calling program.
func runGo(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "GO111MODULE=on", "GOFLAGS=-mod=readonly")
	cmd.Env = append(cmd.Env, env...)
	// An interrupted go command ends its compilers and removes its files; a
	// killed one does not. Where there is no such signal it is killed.
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err == nil {
		return output, nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	err = fmt.Errorf("go %s: %w", args[0], err)
	if text := strings.TrimSpace(stderr.String()); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return output, err
}
