package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// Where the accelerator's tests find what to run: make test-provider.
const (
	providerEnv     = "CACHENET_TEST_PROVIDER"
	providerPackEnv = "CACHENET_TEST_PACK"
)

// onProvider returns the full model of a pack on the provider of the environment, and on the CPU.
func onProvider(t testing.TB) (accelerated, cpu *Net) {
	on := Provider(os.Getenv(providerEnv))
	if !on.Accelerated() {
		t.Skipf("set %s to an execution provider that this machine has", providerEnv)
	}
	dir := os.Getenv(providerPackEnv)
	if dir == "" {
		dir = "packs/scenes" // beside this test
	}
	p, err := OpenPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	load := func(on Provider) *Net {
		p.FullOn = on
		n, err := p.Load(p.Full)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = n.Close() })
		return n
	}
	return load(on), load(CPU)
}

func noise(n *Net, frames int, seed uint64) []byte {
	random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	pixels := make([]byte, frames*n.View().Bytes())
	_, _ = random.Read(pixels)
	return pixels
}

// An accelerator answers as the CPU does, other frames in every call and every number of frames: none is the answer of an
// earlier call, or of a frame that only fills the batch.
func TestProviderAnswersAsTheCPU(t *testing.T) {
	accelerated, cpu := onProvider(t)
	var worst, scale float64
	for seed, frames := range []int{1, 1, 2, 3, 16, 5, 64, 33, 64, 70, 1} {
		pixels := noise(cpu, frames, uint64(seed))
		want, err := cpu.Run(pixels, frames)
		if err != nil {
			t.Fatal(err)
		}
		got, err := accelerated.Run(pixels, frames)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			worst = max(worst, math.Abs(float64(got[i]-want[i])))
			scale = max(scale, math.Abs(float64(want[i])))
		}
	}
	t.Logf("logits up to %.3g differ by at most %.3g", scale, worst)
	if worst > 5e-3*scale {
		t.Errorf("logits up to %v differ by %v", scale, worst)
	}
}

// BenchmarkProvider measures calls of one number of frames each, and calls of changing numbers.
func BenchmarkProvider(b *testing.B) {
	accelerated, cpu := onProvider(b)
	bench := func(name string, n *Net, sizes ...int) {
		b.Run(name, func(b *testing.B) {
			most, frames := 0, 0
			for _, k := range sizes {
				most = max(most, k)
			}
			pixels, dst := noise(n, most, 1), make([]float32, most*n.Outputs())
			call := func(k int) {
				if _, err := n.Answer(dst[:k*n.Outputs()], pixels[:k*n.View().Bytes()], k); err != nil {
					b.Fatal(err)
				}
			}
			for _, k := range sizes { // the first call of a size prepares it
				call(k)
			}
			begun := time.Now()
			for i := 0; b.Loop(); i++ {
				call(sizes[i%len(sizes)])
				frames += sizes[i%len(sizes)]
			}
			b.ReportMetric(float64(frames)/time.Since(begun).Seconds(), "frames/s")
		})
	}
	for _, k := range []int{1, 4, 16, 64} {
		bench(fmt.Sprintf("cpu/%d", k), cpu, k)
		bench(fmt.Sprintf("accelerated/%d", k), accelerated, k)
	}
	bench("accelerated/changing", accelerated, 64, 17, 3, 40, 9, 1, 25, 50)
}
