package picture

import (
	"testing"
	"testing/synctest"
)

// A picture of any size waits for others and is then decoded.
func TestDecodingMemoryIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := reserve(budget / 2)
		second := reserve(budget / 2)
		turn := make(chan struct{})
		go func() {
			defer reserve(10 * budget)()
			close(turn)
		}()
		synctest.Wait()
		reserve(small - 1)() // not counted, so it does not wait
		first()
		synctest.Wait()
		select {
		case <-turn:
			t.Fatal("a picture that needs all of the memory was decoded together with another")
		default:
		}
		second()
		<-turn
	})
}

func TestFootprintCountsCoefficients(t *testing.T) {
	camera, err := readHeader(corpus(t, "jpeg-camera.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	progressive, err := readHeader(corpus(t, "jpeg-progressive.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if got := camera.footprint(4, 2); got != 160*120*3 {
		t.Errorf("baseline at 1/4: %d bytes", got)
	}
	if got := progressive.footprint(4, 2); got != 160*120*3+640*480*3*2 {
		t.Errorf("progressive at 1/4: %d bytes", got)
	}
}
