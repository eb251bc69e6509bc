using VectorEngine.Tests.Architecture.Sample.High;

// Types for the checker of layers to be tested on: High is above Low and Guilty, and only the types in Guilty break the rule.
namespace VectorEngine.Tests.Architecture.Sample
{
    internal sealed class Word;

    internal sealed class Face
    {
        public High.Class? Inner { get; init; }
    }

    internal sealed class FaceThroughFace
    {
        public Face? Inner { get; init; }
    }
}

namespace VectorEngine.Tests.Architecture.Sample.Low
{
    internal class Class
    {
        public static Word Vocabulary() => new();
    }
}

namespace VectorEngine.Tests.Architecture.Sample.High
{
    internal class Class;

    internal interface IContract
    {
        void Honour();
    }

    internal struct Value;

    internal sealed class Failure : Exception;

    [AttributeUsage(AttributeTargets.All)]
    internal sealed class MarkAttribute : Attribute;

    internal static class Static
    {
        public static int Shared { get; set; }
        public static readonly int Field = Environment.ProcessId;
    }

    internal sealed class Innocent
    {
        public static Low.Class Below() => new();
        public static Word Vocabulary() => new();
    }
}

namespace VectorEngine.Tests.Architecture.Sample.Guilty
{
    internal sealed class Sideways
    {
        public static object Make() => new Low.Class();
    }

    internal sealed class RootThatUsesAPart
    {
        public static object Make() => new Face();
    }

    internal sealed class RootThatUsesAPartThroughAnother
    {
        public static object Make() => new FaceThroughFace();
    }

    internal sealed class BaseType : Class;

    internal sealed class GenericBaseType : List<Class>;

    internal abstract class Interface : IContract
    {
        public abstract void Honour();
    }

    internal sealed class FieldOfType
    {
        public Class? Value = null;
    }

    internal sealed class FieldOfArraysInAGeneric
    {
        public List<Class[]>? Value = null;
    }

    internal abstract class PropertyOfType
    {
        public abstract Class Value { get; }
    }

    internal abstract class EventOfType
    {
        public abstract event EventHandler<Value> Happened;
    }

    internal abstract class Parameter
    {
        public abstract void Take(ref Value value);
    }

    internal abstract class Return
    {
        public abstract Class Make();
    }

    internal abstract class FunctionPointer
    {
        public abstract unsafe void Take(delegate*<Class, void> function);
    }

    internal sealed class Constraint<T> where T : IContract;

    internal abstract class MethodConstraint
    {
        public abstract void Take<T>() where T : IContract;
    }

    [Mark]
    internal sealed class AttributeOnType;

    internal abstract class AttributeOnParameter
    {
        public abstract void Take([Mark] int value);
    }

    internal sealed class Construction
    {
        public static object Make() => new Class();
    }

    internal sealed class StaticCall
    {
        public static int Get() => Static.Shared;
    }

    internal sealed class FieldRead
    {
        public static int Get() => Static.Field;
    }

    internal sealed class GenericMethodArgument
    {
        public static object Make() => Array.Empty<Class>();
    }

    internal sealed class GenericTypeArgument
    {
        public static object Make() => new Dictionary<int, List<Class>>();
    }

    internal sealed class TypeOf
    {
        public static object Make() => typeof(Class);
    }

    internal sealed class Cast
    {
        public static bool Is(object value) => value is IContract;
    }

    internal sealed class Local
    {
        public static string? Describe()
        {
            Value value = default;
            return value.ToString();
        }
    }

    internal sealed class Catch
    {
        public static void Run(Action action)
        {
            try
            {
                action();
            }
            catch (Failure) { }
        }
    }

    internal sealed class IndirectCall
    {
        public static unsafe void Run(void* function) => ((delegate*<Class?, void>)function)(null);
    }

    internal sealed class AfterOperandsOfEveryLength
    {
        public static object Make(int choice, string text) => choice switch
        {
            0 => 1.5,
            1 => 1.5f,
            2 => long.MaxValue,
            3 => 1_000_000,
            4 => 100,
            5 => text.Length == choice && text.Length > 3,
            6 => "text",
            _ => new Class(),
        };
    }

    internal sealed class Lambda
    {
        public static Func<object> Make(int captured) => () => captured == 0 ? captured : new Class();
    }

    internal sealed class Iterator
    {
        public static IEnumerable<object> Make()
        {
            yield return new Class();
        }
    }

    internal sealed class Async
    {
        public static async Task<object> Make()
        {
            await Task.Yield();
            return new Class();
        }
    }

    internal sealed class Outer
    {
        internal sealed class Nested
        {
            public static object Make() => new Class();
        }
    }
}
