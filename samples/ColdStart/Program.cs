// Opens an index that is far away: see README.md beside this file.
using System.CommandLine;
using ColdStart;
using Spectre.Console;

var folder = new Option<string?>("--folder")
{
    Description = "The folder that holds the index; without it, one is built in a temporary folder.",
};
var name = new Option<string>("--name") { Description = "The name of the index.", DefaultValueFactory = _ => "vectors" };
var bucket = new Option<string?>("--bucket")
{
    Description = "A bucket of S3 that the index is copied to, unless it has one of that name, and opened from; "
        + "without it, the folder seems as far away as one.",
};
var endpoint = new Option<string?>("--endpoint")
{
    Description = "The server that has the bucket, if it is not as the AWS SDK finds it in the environment: such as http://localhost:9000.",
};
var command = new RootCommand("Opens an index cold, and shows when which answer is there and what it took.")
{
    folder, name, bucket, endpoint,
};
command.SetAction((arguments, cancellationToken) => Session.RunAsync(
    CreateConsole(),
    new Settings(
        arguments.GetValue(folder), arguments.GetRequiredValue(name), arguments.GetValue(bucket), arguments.GetValue(endpoint)),
    cancellationToken));
return await command.Parse(args).InvokeAsync();

// Escape sequences are for a terminal, not for a file or another program.
static IAnsiConsole CreateConsole()
{
    if (!Console.IsOutputRedirected)
        return AnsiConsole.Console;
    IAnsiConsole console = AnsiConsole.Create(
        new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
    console.Profile.Width = 120;
    return console;
}
