package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// epoch is the time of every file and of the image: the same sources give the
// same digest whenever they are built.
var epoch = time.Unix(0, 0).UTC()

// packLayer packs the programs in a directory into a layer with them in /bin.
// It is not compressed: it only goes to the engine, which unpacks it.
func packLayer(programs string) (v1.Layer, error) {
	entries, err := os.ReadDir(programs)
	if err != nil {
		return nil, fmt.Errorf("read the compiled nodes: %w", err)
	}
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	directory := tar.Header{Typeflag: tar.TypeDir, Name: binDirectory + "/", Mode: 0o755, ModTime: epoch}
	if err := archive.WriteHeader(&directory); err != nil {
		return nil, fmt.Errorf("pack the nodes: %w", err)
	}
	for _, entry := range entries {
		if err := packProgram(archive, programs, entry.Name()); err != nil {
			return nil, fmt.Errorf("pack the nodes: %w", err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("pack the nodes: %w", err)
	}
	return static.NewLayer(layer.Bytes(), types.DockerUncompressedLayer), nil
}

func packProgram(archive *tar.Writer, directory, file string) error {
	program, err := os.ReadFile(filepath.Join(directory, file))
	if err != nil {
		return err
	}
	header := tar.Header{
		Typeflag: tar.TypeReg,
		Name:     binDirectory + "/" + file,
		Size:     int64(len(program)),
		Mode:     0o755,
		ModTime:  epoch,
	}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err = archive.Write(program)
	return err
}

// imageArchive returns the image of the one layer in the format of "docker save".
func imageArchive(reference string, layer v1.Layer, arch, source string) (*bytes.Buffer, error) {
	tag, err := name.NewTag(reference, name.WithDefaultRegistry(""))
	if err != nil {
		return nil, err
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		Architecture: arch,
		OS:           "linux",
		Created:      v1.Time{Time: epoch},
		Config: v1.Config{
			Env:        []string{pathVariable},
			WorkingDir: workingDir,
			User:       userName,
			Labels:     map[string]string{SourceLabel: source},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make the image: %w", err)
	}
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "crosslan: go build " + nodesPattern},
	})
	if err != nil {
		return nil, fmt.Errorf("make the image: %w", err)
	}
	var archive bytes.Buffer
	if err := tarball.Write(tag, image, &archive); err != nil {
		return nil, fmt.Errorf("make the image: %w", err)
	}
	return &archive, nil
}
