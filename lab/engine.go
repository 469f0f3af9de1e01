package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// ErrNoEngine is returned when no container engine can be used from here; the
// error that wraps it says why and what to do.
var ErrNoEngine = errors.New("no container engine")

// An engine is the container engine that testcontainers uses on this machine.
type engine struct {
	*client.Client
}

const ryukVariable = "TESTCONTAINERS_RYUK_DISABLED"

// connectOnce guards testcontainers' configuration, which it reads from the
// environment once in a process.
var connectOnce sync.Mutex

// connect finds the engine the way testcontainers does: DOCKER_HOST, the
// properties file, the usual sockets.
func connect(ctx context.Context) (engine, error) {
	connectOnce.Lock()
	defer connectOnce.Unlock()
	if _, set := os.LookupEnv(ryukVariable); !set {
		// The reaper would be pulled from a registry; reap.go does its work.
		if err := os.Setenv(ryukVariable, "true"); err != nil {
			return engine{}, fmt.Errorf("switch the reaper off: %w", err)
		}
	}
	if err := pingNamed(ctx); err != nil {
		return engine{}, engineError(err)
	}
	// It would greet the engine on standard error.
	before := tclog.Default()
	tclog.SetDefault(tclog.NewNoopLogger())
	provider, err := testcontainers.NewDockerProvider()
	tclog.SetDefault(before)
	if err != nil {
		return engine{}, engineError(err)
	}
	docker, ok := provider.Client().(*testcontainers.DockerClient)
	if !ok {
		return engine{}, fmt.Errorf("testcontainers' client is a %T, not its DockerClient", provider.Client())
	}
	e := engine{docker.Client}
	if _, err := e.Ping(ctx, client.PingOptions{}); err != nil {
		return engine{}, engineError(err)
	}
	return e, nil
}

// pingNamed sees that the engine that DOCKER_HOST names is there: testcontainers
// would silently take another one.
func pingNamed(ctx context.Context) error {
	if os.Getenv(client.EnvOverrideHost) == "" {
		return nil
	}
	named, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer named.Close()
	_, err = named.Ping(ctx, client.PingOptions{})
	return err
}

// Engine returns a client of the engine that labs run on.
func Engine(ctx context.Context) (*client.Client, error) {
	e, err := connect(ctx)
	return e.Client, err
}

// engineError says in one line why the engine cannot be used.
func engineError(err error) error {
	host := os.Getenv(client.EnvOverrideHost)
	if host == "" {
		host = client.DefaultDockerHost
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrPermission), strings.Contains(err.Error(), "permission denied"):
		return fmt.Errorf("%w: permission denied at %s: add yourself to the docker group (sudo usermod -aG docker $USER, then log in again) or use sudo", ErrNoEngine, host)
	default:
		return fmt.Errorf("%w at %s: start Docker, or point DOCKER_HOST at one (%s)", ErrNoEngine, host, oneLine(rootCause(err)))
	}
}

// rootCause is the innermost error of a chain: the system's own word.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
