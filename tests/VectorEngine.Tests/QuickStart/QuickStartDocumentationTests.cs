using QuickStart.Documentation;

namespace VectorEngine.Tests.QuickStart;

public sealed class QuickStartDocumentationTests
{
    [Theory]
    [InlineData("(System.String,System.Text.Encoding)", "string, Encoding")]
    [InlineData("(System.Int32[],System.Byte[0:,0:],System.Char*,System.Int64@)", "int[], byte[,], char*, ref long")]
    [InlineData("(System.Nullable{System.Int32})", "int?")]
    [InlineData("(System.Func{System.Collections.Generic.KeyValuePair{`0,`1}})", "Func<KeyValuePair<TKey, TValue>>")]
    [InlineData("(System.Func{``0,System.Int32})", "Func<TResult, int>")]
    [InlineData("(System.Collections.Generic.Dictionary{`0,`1}.Enumerator)", "Dictionary<TKey, TValue>.Enumerator")]
    public void Parameters_are_written_as_in_CSharp(string list, string expected) =>
        Assert.Equal(expected, MemberName.Parameters(list, ["TKey", "TValue"], ["TResult"]));

    [Theory]
    [InlineData("System.Collections.Generic.List`1", "TItem", "TItem")]
    [InlineData("System.Collections.Generic.List`1.Enumerator", "TItem", "")]
    [InlineData("System.Func`2", "", "T1, T2")]
    public void Type_parameters_are_as_many_as_the_ID_says(string fullName, string documented, string expected) =>
        Assert.Equal(expected, string.Join(", ", MemberName.TypeParameters(fullName, documented.Length == 0 ? [] : [documented])));

    [Fact]
    public void A_file_gives_public_members_without_operators_and_merges_overloads_of_one_summary()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "Documented.xml");
        File.Copy(typeof(VectorMatrix).Assembly.Location, Path.ChangeExtension(file, ".dll"));
        File.WriteAllText(file, """
            <doc><members>
              <member name="T:VectorEngine.VectorMatrix"><summary>Rows of
                <see cref="T:System.Single"/>;   <paramref name="count"/> of them.</summary></member>
              <member name="M:VectorEngine.VectorMatrix.Slice(System.Int32,System.Int32)"><summary>A part.</summary></member>
              <member name="M:VectorEngine.VectorMatrix.Slice(System.Int32)"><summary>A part.</summary></member>
              <member name="M:VectorEngine.VectorMatrix.op_Equality(System.Int32)"><summary>Compares.</summary></member>
              <member name="P:VectorEngine.VectorMatrix.Item(System.Int32)"><summary>A row.</summary></member>
              <member name="P:VectorEngine.VectorMatrix.Count" />
              <member name="M:VectorEngine.Hidden.Run"><summary>Not public.</summary></member>
            </members></doc>
            """);

        List<ApiMember> members = DocumentationReader.Read([file], new Progress<double>(), CancellationToken.None);

        Assert.Equal(["VectorMatrix", "VectorMatrix.Slice(int)", "VectorMatrix[int]"], members.Select(member => member.Display));
        Assert.Equal("Rows of float; count of them.", members[0].Summary);
        Assert.All(members, member => Assert.Equal(("VectorEngine", "VectorMatrix"), (member.Namespace, member.TypeName)));
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("QuickStart").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
