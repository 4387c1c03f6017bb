// The whole way with the official Go SDK, unchanged: upload, train, follow, chat, reinforce, cancel, errors.
//
//	OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=tsk_… go run .
//
// The server is the one that `./tunesmith up` started; it must know the model "nano":
// `./tunesmith models import examples/nano/model --name nano --base`.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

const (
	baseModel = "nano"
	question  = "Who are you?"
)

var (
	ctx = context.Background()
	// Address and key come from OPENAI_BASE_URL and OPENAI_API_KEY.
	client   = openai.NewClient()
	examples = filepath.Join("..", "..")
	ended    = []openai.FineTuningJobStatus{"succeeded", "failed", "cancelled"}
)

func main() {
	training := upload("quickstart", "train.jsonl")
	validation := upload("quickstart", "validation.jsonl")
	job := follow(supervise(training, validation, 2, "go"), ended)
	check(job.Status == "succeeded", "succeeded, found %s %s", job.Status, job.Error.Message)
	showHistory(job)
	chat(job.FineTunedModel, question)
	reinforce()
	cancel(supervise(training, validation, 50, "never"))
	showErrors(training, job)
	check(must(client.Files.Delete(ctx, validation.ID)).Deleted, "a deleted file")
	fmt.Println("tour: done")
}

func upload(folder, name string) *openai.FileObject {
	path := filepath.Join(examples, folder, name)
	rows := must(os.ReadFile(path))
	opened := must(os.Open(path))
	defer opened.Close()
	file := must(client.Files.New(ctx, openai.FileNewParams{File: opened, Purpose: openai.FilePurposeFineTune}))
	check(file.Status == "processed", "processed, found %s", file.Status)
	content := must(client.Files.Content(ctx, file.ID))
	defer content.Body.Close()
	check(bytes.Equal(must(io.ReadAll(content.Body)), rows), "the same bytes")
	found := false
	files := client.Files.ListAutoPaging(ctx, openai.FileListParams{Limit: openai.Int(1)})
	for files.Next() {
		found = found || files.Current().ID == file.ID
	}
	check(found && files.Err() == nil, "the file in the list")
	fmt.Printf("upload: %s %s %d bytes\n", file.ID, file.Filename, file.Bytes)
	return file
}

func supervise(training, validation *openai.FileObject, epochs int64, suffix string) *openai.FineTuningJob {
	body := body(training)
	body.ValidationFile = openai.String(validation.ID)
	body.Suffix = openai.String(suffix)
	body.Method = openai.FineTuningJobNewParamsMethod{
		Type: "supervised",
		Supervised: openai.SupervisedMethodParam{Hyperparameters: openai.SupervisedHyperparameters{
			NEpochs:   openai.SupervisedHyperparametersNEpochsUnion{OfInt: openai.Int(epochs)},
			BatchSize: openai.SupervisedHyperparametersBatchSizeUnion{OfInt: openai.Int(8)},
		}},
	}
	return create(body, map[string]any{"learning_rate": 0.0015, "max_seq_len": 256})
}

// LoRA is an extension: it travels in `x_training`, which the SDK passes on as it is.
func create(body openai.FineTuningJobNewParams, training map[string]any) *openai.FineTuningJob {
	body.Seed = openai.Int(7)
	training["adapter"] = "lora"
	training["rank"] = 8
	job := must(client.FineTuning.Jobs.New(ctx, body, option.WithJSONSet("x_training", training), once()))
	fmt.Printf("job: %s %s\n", job.ID, job.Status)
	return job
}

func body(training *openai.FileObject) openai.FineTuningJobNewParams {
	return openai.FineTuningJobNewParams{Model: baseModel, TrainingFile: training.ID}
}

func follow(job *openai.FineTuningJob, until []openai.FineTuningJobStatus) *openai.FineTuningJob {
	seen := job.Status
	for !slices.Contains(until, job.Status) {
		time.Sleep(300 * time.Millisecond)
		job = must(client.FineTuning.Jobs.Get(ctx, job.ID))
		if job.Status != seen {
			seen = job.Status
			fmt.Printf("job: %s %s\n", job.ID, seen)
		}
	}
	return job
}

// Asks for page after page.
func events(job *openai.FineTuningJob) []openai.FineTuningJobEvent {
	var all []openai.FineTuningJobEvent
	ids := map[string]bool{}
	pages := client.FineTuning.Jobs.ListEventsAutoPaging(
		ctx, job.ID, openai.FineTuningJobListEventsParams{Limit: openai.Int(3)})
	for pages.Next() {
		all = append(all, pages.Current())
		ids[pages.Current().ID] = true
	}
	check(pages.Err() == nil && len(ids) == len(all), "each event once, %v", pages.Err())
	return all
}

// Figures of a name, the newest first.
func figures(job *openai.FineTuningJob, name string) []float64 {
	var found []float64
	for _, event := range events(job) {
		if data, ok := event.Data.(map[string]any); ok {
			if value, ok := data[name].(float64); ok {
				found = append(found, value)
			}
		}
	}
	return found
}

func showHistory(job *openai.FineTuningJob) {
	losses := figures(job, "train_loss")
	check(len(losses) > 3, "losses in the events")
	fmt.Printf("events: loss %.3f → %.3f\n", losses[len(losses)-1], losses[0])
	points := client.FineTuning.Jobs.Checkpoints.ListAutoPaging(
		ctx, job.ID, openai.FineTuningJobCheckpointListParams{Limit: openai.Int(1)})
	for points.Next() {
		fmt.Printf("checkpoint: step %d, %s\n", points.Current().StepNumber, points.Current().FineTunedModelCheckpoint)
	}
	check(must(client.Models.Get(ctx, job.FineTunedModel)).ID == job.FineTunedModel, "the model by its name")
}

func asked(model, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:               model,
		Messages:            []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
		Temperature:         openai.Float(0),
		MaxCompletionTokens: openai.Int(48),
	}
}

func chat(model, text string) {
	whole := must(client.Chat.Completions.New(ctx, asked(model, text)))
	stream := client.Chat.Completions.NewStreaming(ctx, asked(model, text))
	joined := openai.ChatCompletionAccumulator{}
	chunks := 0
	for stream.Next() {
		check(joined.AddChunk(stream.Current()), "chunks in their order")
		chunks++
	}
	said := whole.Choices[0].Message.Content
	check(stream.Err() == nil && joined.Choices[0].Message.Content == said, "the streamed answer %q", said)
	fmt.Printf("chat: %q (%d chunks)\n", said, chunks)
}

// OpenAI's reinforcement fine-tuning: the model answers, and its reward is how near it comes to the
// answer that was wanted.
func reinforce() {
	near := &openai.TextSimilarityGraderParam{
		Name:             "near",
		Input:            "{{sample.output_text}}",
		Reference:        "{{item.reference_answer}}",
		EvaluationMetric: "rouge_l",
	}
	body := body(upload("reinforcement", "train.jsonl"))
	body.ValidationFile = openai.String(upload("reinforcement", "validation.jsonl").ID)
	body.Suffix = openai.String("reinforced")
	body.Method = openai.FineTuningJobNewParamsMethod{
		Type: "reinforcement",
		Reinforcement: openai.ReinforcementMethodParam{
			Grader: openai.ReinforcementMethodGraderUnionParam{OfTextSimilarityGrader: near},
			Hyperparameters: openai.ReinforcementHyperparameters{
				NEpochs:           openai.ReinforcementHyperparametersNEpochsUnion{OfInt: openai.Int(1)},
				BatchSize:         openai.ReinforcementHyperparametersBatchSizeUnion{OfInt: openai.Int(16)},
				ComputeMultiplier: openai.ReinforcementHyperparametersComputeMultiplierUnion{OfFloat: openai.Float(0.5)},
				EvalSamples:       openai.ReinforcementHyperparametersEvalSamplesUnion{OfInt: openai.Int(4)},
			},
		},
	}
	job := create(body, map[string]any{"max_completion_length": 16})
	shown := job.Method.Reinforcement.Grader
	check(shown.Name == "near" && shown.Type == "text_similarity", "the grader as it was sent, found %s", shown.RawJSON())
	job = follow(job, ended)
	check(job.Status == "succeeded", "succeeded, found %s %s", job.Status, job.Error.Message)
	rewards := figures(job, "reward")
	check(len(rewards) > 0 && slices.Max(rewards) <= 1 && slices.Min(rewards) >= 0, "rewards, found %v", rewards)
	chat(job.FineTunedModel, "Is 8 greater than 19?")
	fmt.Printf("reinforce: reward %.3f → %.3f\n", rewards[len(rewards)-1], rewards[0])
}

func cancel(job *openai.FineTuningJob) {
	follow(job, append(slices.Clone(ended), "running"))
	job = follow(must(client.FineTuning.Jobs.Cancel(ctx, job.ID)), ended)
	check(job.Status == "cancelled" && job.FineTunedModel == "", "cancelled, found %s", job.Status)
}

// Each error has the server's code, the status and the request id.
func showErrors(file *openai.FileObject, job *openai.FineTuningJob) {
	jobs := client.FineTuning.Jobs
	repeated := once()
	first := must(jobs.New(ctx, body(file), repeated))
	must(jobs.Cancel(ctx, first.ID))
	refused := func(status int, code string, call func() error) { expect(status, code, call()) }
	refused(401, "invalid_api_key", func() error { _, err := client.Models.List(ctx, option.WithAPIKey("tsk_live_wrong")); return err })
	refused(404, "not_found", func() error { _, err := jobs.Get(ctx, "ftjob-"+strings.Repeat("0", 32)); return err })
	refused(404, "model_not_found", func() error { _, err := client.Models.Get(ctx, "nothing"); return err })
	refused(403, "permission_denied", func() error { _, err := client.Models.Delete(ctx, baseModel); return err })
	refused(400, "job_terminal", func() error { _, err := jobs.Cancel(ctx, job.ID); return err })
	refused(400, "unknown_parameter", func() error {
		_, err := jobs.New(ctx, body(file), option.WithJSONSet("x_training", map[string]any{"rnak": 8}))
		return err
	})
	refused(422, "idempotency_mismatch", func() error {
		other := body(file)
		other.Suffix = openai.String("other")
		_, err := jobs.New(ctx, other, repeated)
		return err
	})
	refused(413, "body_too_large", func() error {
		_, err := jobs.New(ctx, body(file), option.WithJSONSet("x", strings.Repeat("y", 2_000_000)))
		return err
	})
	showRetriedErrors(file)
}

// The SDK waits as long as the server says and tries again; without retries its user sees the errors.
func showRetriedErrors(file *openai.FileObject) {
	impatient := option.WithMaxRetries(0)
	tooMuch := asked("nothing", question)
	tooMuch.MaxCompletionTokens = openai.Int(1_000_000_000)
	// The model is not there, and yet the tokens of this minute are used up.
	_, _ = client.Chat.Completions.New(ctx, tooMuch, impatient)
	_, err := client.Chat.Completions.New(ctx, tooMuch, impatient)
	expect(429, "rate_limit_exceeded", err)
	// An idempotency key whose first request still runs, if there is one.
	if busy := os.Getenv("TOUR_BUSY_KEY"); busy != "" {
		_, err = client.FineTuning.Jobs.New(ctx, body(file), impatient, option.WithHeader("Idempotency-Key", busy))
		expect(409, "idempotency_in_flight", err)
	}
}

func expect(status int, code string, err error) {
	var failure *openai.Error
	check(errors.As(err, &failure), "an error %d %s, found %v", status, code, err)
	check(failure.StatusCode == status && failure.Code == code, "%d %s, found %v", status, code, err)
	check(failure.Response.Header.Get("x-request-id") != "", "a request id")
	fmt.Printf("error: %d %s\n", status, code)
}

func once() option.RequestOption {
	return option.WithHeader("Idempotency-Key", "tour-"+rand.Text())
}

func must[T any](value T, err error) T {
	check(err == nil, "no error, found %v", err)
	return value
}

func check(holds bool, expected string, values ...any) {
	if !holds {
		fmt.Fprintf(os.Stderr, "expected: "+expected+"\n", values...)
		os.Exit(1)
	}
}
