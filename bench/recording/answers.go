package recording

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// Answer is what a contender says of one frame.
type Answer struct {
	Stream, Sequence int
	Class            int // -1: none
	Hit              bool
}

// WriteAnswers writes answers as lines of text, for contenders that write no Parquet.
func WriteAnswers(path string, answers []Answer) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, a := range answers {
		fmt.Fprintln(w, a.Stream, a.Sequence, a.Class, a.Hit)
	}
	return errors.Join(w.Flush(), f.Close())
}

// ReadAnswers reads what WriteAnswers wrote.
func ReadAnswers(path string) ([]Answer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []Answer
	for r := bufio.NewReader(f); ; {
		var a Answer
		_, err := fmt.Fscanln(r, &a.Stream, &a.Sequence, &a.Class, &a.Hit)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: answer %d: %w", path, len(all), err)
		}
		all = append(all, a)
	}
}
